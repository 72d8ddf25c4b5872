"""Shrink, expand and gradients by the kernels: fp64 truth, guard bands, untouched rows."""

import math

import pytest
import torch

from t2l_kernels import ArgumentError, Route, lora_expand, lora_shrink, multi_lora
from t2l_kernels.lora import launch, plans, triton_impl
from t2l_kernels.lora.plans import planes
from t2l_kernels.routing import launch as route_launch
from tests.kernels.popular import popular
from tests.kernels.triton.conftest import DEVICE, Case

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
KINDS = ["distinct", "uniform", "zipf", "identical", "skewed", "none", "one token", "runs"]
SIZES = {
    "odd sizes": (45, 33, 6),
    "tiles": (128, 64, 16),
    "wide rank": (48, 80, 33),
    "three planes": (2064, 32, 4),
}
# the interpreter is slow on wide rows: two patterns of the eight
GRID = [(k, n) for n in SIZES for k in KINDS if n != "three planes" or k in ("uniform", "runs")]
ALL = (True, True, True)


def slots_of(kind: str) -> torch.Tensor:
    if kind == "one token":
        return torch.tensor([3])
    if kind == "runs":
        return torch.tensor([4] * 20 + [-1] * 9 + [1] * 17)
    return popular(kind, 40, 9)


def close(names: str, got: tuple, plain: tuple, truth: tuple, slack: float) -> None:
    """The kernels may err by twice what plain torch errs in the same dtype, and a little more.

    The interpreter cuts fp32 to bf16 where a GPU rounds to nearest: twice the error of a rounding.
    """
    factor = 4 if DEVICE == "cpu" and plain[0].dtype == torch.bfloat16 else 2
    for name, mine, theirs, exact in zip(names.split(), got, plain, truth, strict=True):
        own_error = (theirs.double() - exact).abs().max()
        error = (mine.cpu().double() - exact).abs().max()
        assert error <= factor * own_error + slack, f"{name}: {error} beside {own_error}"


def run_guarded(case: Case, guards, route: Route | None = None) -> tuple[torch.Tensor, ...]:
    """Output and gradients of x, A, B, with poison around and in every buffer."""
    held = case.placed(guards)
    tensors = [guards.hold(t) for t in (route or case.route()).tensors()]
    grad = guards.hold(case.grad)
    with guards:
        a, b, table = held["lora_a"], held["lora_b"], Route(*tensors)
        weights = a, b, table, held["scalings"], held["ranks"]
        out, s = triton_impl.forward(held["x"], *weights, held["residual"])
        grads = triton_impl.backward(grad, held["x"], s, *weights, ALL)
        in_place = held["residual"].clone()
        launch.expand(
            launch.shrink(held["x"], a, table, held["ranks"]), b, table, held["scalings"],
            held["ranks"], base=in_place, out=in_place,
        )  # fmt: skip
    guards.check()
    assert torch.equal(held["residual"].cpu(), case.residual), "the residual was modified"
    assert torch.equal(in_place, out), "in place and out of place differ"
    return out, *grads


def zero_unread(case: Case, results: tuple) -> tuple[torch.Tensor, ...]:
    """Gradients of rows beyond the live rank: zero, whatever lies there."""
    out, grad_x, grad_a, grad_b = results
    grads = []
    for grad in (grad_a, grad_b):
        grad = grad.clone()
        for slot, rank in enumerate([] if case.ranks is None else case.ranks.tolist()):
            grad[slot, rank:] = 0
        grads.append(grad)
    return out, grad_x, *grads


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("kind", "sizes"), GRID)
def test_output_and_gradients_match_fp64_truth(kind, sizes, dtype, guards):
    case = Case(slots_of(kind), SIZES[sizes], dtype, mixed_ranks=sizes != "tiles")
    truth, plain = (zero_unread(case, case.plain(d)) for d in (torch.float64, dtype))
    got = run_guarded(case, guards)
    close("out dx dA dB", got, plain, truth, 1e-4 if dtype == torch.float32 else 1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_blocks_of_64_rows_match_fp64_truth(dtype, guards):
    slots = torch.tensor([2] * 100 + [-1] * 30 + [0] * 65 + [2] * 5)
    case = Case(slots, (128, 256, 16), dtype, max_segments=3)
    truth, plain = (zero_unread(case, case.plain(d)) for d in (torch.float64, dtype))
    close("out dx dA dB", run_guarded(case, guards), plain, truth, 1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_few_programs_stride_over_all_blocks_rows_and_slots(dtype, guards, monkeypatch):
    monkeypatch.setattr(launch, "programs_at_most", lambda block_m, others: 2)
    monkeypatch.setattr(plans, "GRAD_PROGRAMS", 2)
    case = Case(torch.cat([slots_of("uniform"), -torch.ones(70).long()]), (32, 32, 6), dtype)
    truth, plain = (zero_unread(case, case.plain(d)) for d in (torch.float64, dtype))
    close("out dx dA dB", run_guarded(case, guards), plain, truth, 1e-3)


def test_sequences_without_tokens_are_empty_segments(guards):
    lengths = torch.tensor([0, 3, 0, 20, 1, 0])
    slots = torch.tensor([5, 0, -1, 7, 2, 8])
    case = Case(slots.repeat_interleave(lengths))
    route = Route.from_sequences(slots.to(DEVICE), lengths.to(DEVICE), num_tokens=24, impl="triton")
    assert int(route.summary[0]) == 6, "segments without tokens are in the table"
    truth, plain = (zero_unread(case, case.plain(d)) for d in (torch.float64, torch.float32))
    close("out dx dA dB", run_guarded(case, guards, route), plain, truth, 1e-4)


@pytest.mark.interpreted
def test_rows_beyond_the_bound_of_segments_take_the_residual(monkeypatch, guards):
    """A GPU does not ask whether the bound holds: no row may stay unwritten, or get another's."""
    monkeypatch.setattr(route_launch, "_check_segments", lambda slots, bound: None)
    slots = torch.tensor([3, 1, 1, 0, 2, 2, -1])
    case = Case(slots, max_segments=3, mixed_ranks=False)
    route = case.route()
    case.slots = torch.where(slots > 1, -1, slots)
    truth, plain = (case.plain(d) for d in (torch.float64, torch.float32))
    close("out dx dA dB", run_guarded(case, guards, route), plain, truth, 1e-4)


def test_addresses_beyond_31_bits():
    """The last slots of a slab of 2³¹ elements; pages that nobody writes take no memory."""
    width, rank = 4096, 8
    num_slots = (1 << 31) // (width * rank) + 2
    try:
        lora = torch.empty(num_slots, rank, width, dtype=torch.float16, device=DEVICE)
    except RuntimeError:
        pytest.skip("needs 4 GB of address space")
    torch.manual_seed(0)
    last = num_slots - 1
    lora[last] = torch.randn(rank, width).half().to(DEVICE) / 64
    x = torch.randn(1, width).half().to(DEVICE)
    out = torch.zeros(1, width, dtype=torch.float16, device=DEVICE)
    scalings = torch.ones(num_slots, device=DEVICE)
    route = Route.from_tokens(torch.tensor([last], device=DEVICE), impl="triton")
    s = lora_shrink(x, lora, route, impl="triton")
    lora_expand(s, lora, route, scalings=scalings, out=out, impl="triton")
    expected = x.double() @ lora[last].double().T @ lora[last].double()
    torch.testing.assert_close(out.double(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("needs", [(False, True, False), (True, False, False), (False, True, True)])
def test_only_needed_gradients_are_computed(needs):
    case = Case(slots_of("zipf"), (40, 2064, 4))  # ds has three planes
    held = case.placed()
    weights = held["lora_a"], held["lora_b"], case.route(), held["scalings"], held["ranks"]
    _, s = triton_impl.forward(held["x"], *weights, None)
    grad = case.grad.to(DEVICE)
    some = triton_impl.backward(grad, held["x"], s, *weights, needs)
    every = triton_impl.backward(grad, held["x"], s, *weights, ALL)
    for need, one, all_of in zip(needs, some, every, strict=True):
        assert torch.equal(one, all_of) if need else one.numel() == 0


def test_autograd_through_multi_lora_equals_the_torch_path():
    case = Case(slots_of("uniform"), mixed_ranks=False)
    grads = {}
    for impl in ("triton", "torch"):
        held = case.placed()
        names = ("x", "lora_a", "lora_b", "residual")
        inputs = [held[name].requires_grad_() for name in names]
        x = held["x"].view(5, 8, -1)  # any leading dims
        route = Route.from_tokens(case.slots.to(DEVICE), impl=impl)
        out = multi_lora(
            x, *inputs[1:3], route, scalings=held["scalings"],
            residual=inputs[3].view(5, 8, -1), impl=impl,
        )  # fmt: skip
        grads[impl] = torch.autograd.grad((out.view(40, -1) * case.grad.to(DEVICE)).sum(), inputs)
    for mine, theirs in zip(grads["triton"], grads["torch"], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["uniform", "none", "distinct"])
def test_expand_in_place_keeps_the_bits_of_rows_without_an_adapter(kind):
    case = Case(slots_of(kind))
    held = case.placed()
    bare = (case.slots < 0) | (case.ranks[case.slots.clamp(min=0)] == 0)
    case.residual[bare] = torch.tensor([-0.0, math.nan, 1.0]).repeat(11)
    out = case.residual.clone().to(DEVICE)
    route = case.route()
    s = lora_shrink(held["x"], held["lora_a"], route, ranks=held["ranks"], impl="triton")
    s[:, bare.to(DEVICE)] = math.nan  # unspecified rows are never read
    lora_expand(
        s, held["lora_b"], route, scalings=held["scalings"], ranks=held["ranks"], out=out,
        impl="triton",
    )  # fmt: skip
    as_bits = (t.cpu()[bare].view(torch.int32) for t in (out, case.residual))
    assert torch.equal(*as_bits)
    expected = case.plain(torch.float64)[0][~bare]
    torch.testing.assert_close(out.cpu().double()[~bare], expected, rtol=1e-4, atol=1e-4)


def test_shrink_writes_the_planes_that_plans_promise():
    case = Case(slots_of("runs"), (2100, 16, 5), mixed_ranks=False)
    held = case.placed()
    s = lora_shrink(held["x"], held["lora_a"], case.route(), impl="triton")
    count = planes(2100, 5, torch.float32, s.device)
    assert s.shape == (count, 46, 5) and count == 3
    routed = case.slots >= 0
    expected = torch.einsum("ti,tri->tr", case.x[routed], case.lora_a[case.slots[routed]])
    torch.testing.assert_close(s.sum(0).cpu()[routed], expected, rtol=1e-4, atol=1e-4)


def test_a_large_bank_takes_no_more_programs_than_its_tokens(monkeypatch):
    """Slots that nobody uses cost no program: 1024 of them, 5 tokens."""
    grids = []
    case = Case(torch.tensor([1000, 3, 3, 512, -1]), num_slots=1024)
    for name in ("lora_shrink_kernel", "lora_expand_kernel"):
        monkeypatch.setattr(launch, name, Recorder(getattr(launch, name), grids))
    held = case.placed()
    triton_impl.forward(
        held["x"], held["lora_a"], held["lora_b"], case.route(), held["scalings"], None, None
    )
    assert len(grids) == 2 and all(grid[0] <= 5 for grid in grids)


class Recorder:
    """A kernel that notes its grids."""

    def __init__(self, kernel, grids: list) -> None:
        self.kernel, self.grids = kernel, grids

    def __getitem__(self, grid):
        self.grids.append(grid)
        return self.kernel[grid]


TENSORS = ("x", "lora_a", "lora_b", "residual")
BAD = {
    "x, lora_a and lora_b must be torch.float32 or torch.float16": lambda c: [
        setattr(c, name, getattr(c, name).double())
        for name in ("x", "lora_a", "lora_b", "residual")
    ],
    "lora_a and lora_b must be contiguous": lambda c: setattr(
        c, "lora_a", c.lora_a.repeat(1, 1, 2)[..., ::2]
    ),
    "needs a rank from 1 to 128, got 130": lambda c: (
        setattr(c, "lora_a", torch.zeros(9, 130, 48)),
        setattr(c, "lora_b", torch.zeros(9, 130, 33)),
    ),
    r"slots must lie in \[-1, 2\] for 3 adapters, got 8": lambda c: (
        setattr(c, "lora_a", c.lora_a[:3]),
        setattr(c, "lora_b", c.lora_b[:3]),
        setattr(c, "scalings", c.scalings[:3]),
    ),
    r"lora_a must have shape": lambda c: setattr(c, "lora_a", c.lora_a[..., :-1]),
    "scalings must be torch.float32": lambda c: setattr(c, "scalings", c.scalings.double()),
    "scalings must be contiguous": lambda c: setattr(
        c, "scalings", c.scalings.repeat_interleave(2)[::2]
    ),
    r"ranks must lie in \[0, 6\] for this slab, got 9": lambda c: setattr(
        c, "ranks", torch.full((9,), 9, dtype=torch.int32)
    ),
    r"ranks must lie in \[0, 6\] for this slab, got -1": lambda c: setattr(
        c, "ranks", torch.full((9,), -1, dtype=torch.int32)
    ),
    r"scalings must have shape": lambda c: setattr(c, "scalings", c.scalings[:-1]),
}


@pytest.mark.interpreted  # a GPU is not asked for its slots
@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    case = Case(slots_of("distinct"), mixed_ranks=False)
    BAD[message](case)
    with pytest.raises(ArgumentError, match=message):
        multi_lora(
            case.x, case.lora_a, case.lora_b, case.route(), scalings=case.scalings,
            ranks=case.ranks, residual=case.residual, impl="triton",
        )  # fmt: skip


def test_a_route_built_for_torch_is_refused():
    case = Case(slots_of("zipf"))
    route = Route.from_tokens(case.slots, impl="torch")
    with pytest.raises(ArgumentError, match="route must have block tables"):
        lora_shrink(case.x, case.lora_a, route, impl="triton")


def test_an_output_that_is_not_contiguous_is_refused():
    case = Case(slots_of("zipf"))
    held = case.placed()
    s = lora_shrink(held["x"], held["lora_a"], case.route(), ranks=held["ranks"], impl="triton")
    out = torch.zeros(40, 66, device=DEVICE)[:, ::2]
    with pytest.raises(ArgumentError, match="out must be contiguous"):
        lora_expand(
            s, held["lora_b"], case.route(), scalings=held["scalings"], out=out, impl="triton"
        )
