"""multi_lora and its parts as operators: opcheck, compile, empty inputs, autocast, refusals."""

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import (
    ArgumentError,
    Route,
    lora_expand,
    lora_shrink,
    multi_lora,
)
from t2l_kernels.lora import library
from tests.kernels.lora_case import Case
from tests.kernels.problems import NUM_SLOTS


@pytest.mark.parametrize("kind", ["distinct", "uniform", "in place"])
def test_operators_pass_opcheck(kind):
    case = Case(kind, torch.float32, mixed_ranks=True, poison=False)
    table = case.route.tensors()
    s = library.shrink(case.x, case.lora_a, table, case.ranks, "torch")
    opcheck(library.shrink, (case.x, case.lora_a, table, case.ranks, "torch"))
    opcheck(
        library.expand,
        (s, case.lora_b, table, case.scalings, case.ranks, case.residual.clone(), "torch"),
    )
    weights = (case.x, case.lora_a, case.lora_b, table, case.scalings, case.ranks)
    opcheck(library.forward, (*weights, case.residual, "torch"))
    out, s = library.forward(*weights, None, "torch")
    opcheck(
        library.backward,
        (out, case.x, s, *weights[1:], [True, False, True], "torch"),
    )
    tokens = len(case.slots)
    opcheck(
        torch.ops.t2l_kernels.build_route.default, (case.slots, None, 1, tokens, tokens, "torch")
    )


@pytest.mark.slow
def test_fullgraph_compile_routes_runs_and_differentiates():
    case = Case("uniform", torch.float32, mixed_ranks=True, poison=False)
    case.lora_a.requires_grad_()

    def layer(x, slots):
        route = Route.from_tokens(slots)
        y = multi_lora(x, case.lora_a, case.lora_b, route, scalings=case.scalings, ranks=case.ranks)
        return (y * y).sum()

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    expected, got = layer(case.x, case.slots), compiled(case.x, case.slots)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(
        torch.autograd.grad(got, case.lora_a), torch.autograd.grad(expected, case.lora_a)
    )


@pytest.mark.slow
def test_fullgraph_compile_of_the_in_place_pair():
    case = Case("zipf", torch.float32, mixed_ranks=False)

    def layer(x, y, slots):
        route = Route.from_tokens(slots)
        s = lora_shrink(x, case.lora_a, route)
        lora_expand(s, case.lora_b, route, scalings=case.scalings, out=y)
        return y

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    got = compiled(case.x, case.residual.clone(), case.slots)
    torch.testing.assert_close(got, case.run("torch"))


def test_no_adapters_and_no_tokens_are_fine():
    route = Route.from_tokens(torch.empty(0, dtype=torch.int32))
    out = multi_lora(
        torch.empty(0, 4),
        torch.empty(2, 3, 4),
        torch.empty(2, 3, 5),
        route,
        scalings=torch.ones(2),
    )
    assert out.shape == (0, 5)


BAD = {
    "lora_a must have shape": lambda c: setattr(c, "lora_a", c.lora_a[..., :-1]),
    "lora_b must have shape": lambda c: setattr(c, "lora_b", c.lora_b[:, :-1]),
    "lora_b must be torch.float32": lambda c: setattr(c, "lora_b", c.lora_b.double()),
    "residual must have shape": lambda c: setattr(c, "residual", c.residual[:-1]),
    "scalings must have shape": lambda c: setattr(c, "scalings", c.scalings[:-1]),
    "ranks must be torch.int32": lambda c: setattr(c, "ranks", torch.ones(NUM_SLOTS)),
    "route.token_slots must have": lambda c: setattr(c, "route", Route.from_tokens(c.slots[:-1])),
    r"slots must lie in \[-1, 1\]": lambda c: (
        setattr(c, "lora_a", c.lora_a[:2]),
        setattr(c, "lora_b", c.lora_b[:2]),
        setattr(c, "scalings", c.scalings[:2]),
    ),
    "lora_a must be on": lambda c: setattr(c, "lora_a", c.lora_a.to("meta")),
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.parametrize("in_place", [False, True], ids=["multi_lora", "multi_lora_"])
def test_bad_input_is_named(message, in_place):
    case = Case("identical", torch.float32, mixed_ranks=False)
    BAD[message](case)
    message = message.replace("residual", "out") if in_place else message
    with pytest.raises(ArgumentError, match=message):
        case.add("torch") if in_place else case.run("torch")


@pytest.mark.parametrize("impl", ["cuda", ""])
def test_an_unknown_implementation_is_refused(impl):
    case = Case("identical", torch.float32, mixed_ranks=False)
    with pytest.raises(ArgumentError, match="impl must be one of 'auto', 'triton', 'torch'"):
        case.run(impl)


def test_an_explicit_implementation_never_falls_back(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    case = Case("identical", torch.float32, mixed_ranks=False)
    with pytest.raises(ArgumentError, match="impl='triton' needs tensors on a GPU, got cpu"):
        case.run("triton")


def test_shrink_refuses_to_drop_a_gradient_silently():
    case = Case("identical", torch.float32, mixed_ranks=False)
    case.lora_a.requires_grad_()
    with pytest.raises(ArgumentError, match="call multi_lora"):
        lora_shrink(case.x, case.lora_a, case.route)
    with pytest.raises(ArgumentError, match="call multi_lora"):
        case.add("torch")


def test_adding_under_autocast_keeps_the_dtype():
    case = Case("uniform", torch.float32, mixed_ranks=True, poison=False)
    want = case.add("torch")
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(case.add("torch"), want)
