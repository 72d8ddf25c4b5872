"""The kernels as torch.library operators: opcheck, compile, nothing asked of the device."""

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import Route, Workspace, lora_expand, lora_shrink, multi_lora
from t2l_kernels.lora import library, triton_impl
from tests.kernels.popular import popular
from tests.kernels.triton.conftest import DEVICE, Case


def case_of(kind: str = "uniform", **options) -> Case:
    return Case(popular(kind, 40, 9), mixed_ranks=False, **options)


@pytest.mark.parametrize("sizes", [(48, 33, 6), (2048, 16, 4)], ids=["one plane", "two planes"])
def test_operators_pass_opcheck(sizes):
    case = case_of("zipf", sizes=sizes)  # rows of slot −1 are unspecified: not to be compared
    held = case.placed()
    table = case.route().tensors()
    x, a, b, scalings = held["x"], held["lora_a"], held["lora_b"], held["scalings"]
    opcheck(library.shrink, (x, a, table, None, "triton"))
    s = library.shrink(x, a, table, None, "triton")
    opcheck(library.shrink_into, (x, a, table, None, s.clone()))
    out = held["residual"].clone()
    opcheck(library.expand, (s, b, table, scalings, None, out, "triton"))
    opcheck(library.forward, (x, a, b, table, scalings, None, held["residual"], "triton"))
    out, s = library.forward(x, a, b, table, scalings, None, None, "triton")
    needs = [True, False, True]
    opcheck(library.backward, (out, x, s, a, b, table, scalings, None, needs, "triton"))


@pytest.mark.parametrize("lengths", [None, torch.tensor([3, 40, 1])], ids=["tokens", "ragged"])
def test_building_a_route_passes_opcheck(lengths):
    slots = torch.tensor([2, 0, -1], device=DEVICE)
    tokens = 3 if lengths is None else 44
    lengths = None if lengths is None else lengths.to(DEVICE)
    build = torch.ops.t2l_kernels.build_route.default
    opcheck(build, (slots, lengths, 1, tokens, 3, "triton"))


def test_fullgraph_compile_routes_runs_and_differentiates():
    case = case_of()
    held = case.placed()
    a = held["lora_a"].requires_grad_()

    def layer(x, slots):
        route = Route.from_tokens(slots, impl="triton")
        y = multi_lora(x, a, held["lora_b"], route, scalings=held["scalings"], impl="triton")
        return (y * y).sum()

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    slots = case.slots.to(DEVICE)
    expected, got = layer(held["x"], slots), compiled(held["x"], slots)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(*(torch.autograd.grad(loss, a)[0] for loss in (got, expected)))


def test_fullgraph_compile_of_the_in_place_pair():
    case = case_of()
    held = case.placed()

    def layer(x, y, slots):
        route = Route.from_tokens(slots, impl="triton")
        s = lora_shrink(x, held["lora_a"], route, impl="triton")
        lora_expand(s, held["lora_b"], route, scalings=held["scalings"], out=y, impl="triton")
        return y

    slots = case.slots.to(DEVICE)
    expected = layer(held["x"], held["residual"].clone(), slots)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(held["x"], held["residual"].clone(), slots), expected)


def test_launches_ask_nothing_of_the_device(no_sync):
    case = case_of("zipf")
    held = case.placed()
    route, grad = case.route(), case.grad.to(DEVICE)
    weights = held["lora_a"], held["lora_b"], route, held["scalings"], None
    with no_sync:
        _, s = triton_impl.forward(held["x"], *weights, held["residual"])
        triton_impl.backward(grad, held["x"], s, *weights, (True, True, True))
    assert no_sync.seen > 0


@pytest.mark.parametrize("kind", ["distinct", "identical", "none"])
def test_allocations_do_not_depend_on_the_slots(kind, no_sync):
    sizes = {}
    for one in (kind, "zipf"):
        case = Case(popular(one, 9, 9), mixed_ranks=False)
        held = case.placed()
        no_sync.allocated.clear()
        with no_sync:
            route = case.route()
            triton_impl.forward(
                held["x"], held["lora_a"], held["lora_b"], route, held["scalings"], None, None
            )
        sizes[one] = list(no_sync.allocated)
    assert sizes[kind] == sizes["zipf"] and sizes[kind]


def test_backward_saves_references_and_no_copies():
    """x, s, the route and the adapters themselves: nothing of an adapter's size is new."""
    case = case_of()
    held = case.placed()
    inputs = [held[name].requires_grad_() for name in ("x", "lora_a", "lora_b")]
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        multi_lora(*inputs, case.route(), scalings=held["scalings"], impl="triton")
    pointers = {t.data_ptr() for t in saved}
    assert {t.data_ptr() for t in inputs} <= pointers
    own = {t.data_ptr() for t in inputs} | {held["scalings"].data_ptr()}
    fresh = [t for t in saved if t.data_ptr() not in own and t.is_floating_point()]
    assert [tuple(t.shape) for t in fresh] == [(40, 6)]


def test_s_lies_in_the_workspace_and_equals_a_fresh_one():
    case = case_of(sizes=(2100, 16, 4))
    held, space = case.placed(), Workspace()
    route = case.route()
    fresh = lora_shrink(held["x"], held["lora_a"], route, impl="triton")
    reused = [
        lora_shrink(held["x"], held["lora_a"], route, impl="triton", workspace=space)
        for _ in range(2)
    ]
    assert reused[0].data_ptr() == reused[1].data_ptr()
    routed = (case.slots >= 0).to(DEVICE)
    assert torch.equal(reused[0][:, routed], fresh[:, routed])
    assert space.nbytes == fresh.numel() * 4
