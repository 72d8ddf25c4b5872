"""The shared-basis kernels: fp64 truth, guard bands, company, untouched rows, bytes."""

import math

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import ArgumentError, Route
from t2l_kernels.basis import cost as basis_cost
from t2l_kernels.basis import launch, library
from t2l_kernels.basis.api import basis_lora
from t2l_kernels.basis.plans import core_plan, row_block
from t2l_kernels.lora import cost
from t2l_kernels.routing import launch as route_launch
from tests.kernels.popular import popular
from tests.kernels.triton.conftest import DEVICE, INTERPRETED, Case, Silent
from tests.kernels.triton.test_lora import DTYPES, KINDS, close, slots_of

SIZES = {
    # h_a, h_b, rank
    "odd sizes": (45, 33, 6),
    "tiles": (128, 64, 16),
    "wide rank": (145, 80, 33),
}
IN, OUT = 37, 29
WEIGHTS = ("basis_a", "lora_a", "lora_b", "basis_b")


class BasisCase(Case):
    """One problem: the cores are the `lora_a` and `lora_b` of a case of the bases' sizes."""

    def __init__(self, slots: torch.Tensor, sizes=(45, 33, 6), dtype=torch.float32, **options):
        super().__init__(slots, sizes, dtype, **options)
        tokens = slots.shape[0]
        self.basis_a = (torch.randn(IN, sizes[0]) / IN**0.5).to(dtype).t()
        self.basis_b = (torch.randn(OUT, sizes[1]) / sizes[1] ** 0.5).to(dtype)
        self.x = torch.randn(tokens, IN).to(dtype)
        self.residual, self.grad = (torch.randn(tokens, OUT).to(dtype) for _ in range(2))

    def leaves(self, dtype: torch.dtype, device: str) -> list[torch.Tensor]:
        """x, bases and cores, residual, as autograd's leaves."""
        names = ("x", *WEIGHTS, "residual")
        return [getattr(self, n).detach().to(device, dtype).requires_grad_() for n in names]

    def plain(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        """Output and gradients by plain torch in one dtype, one token at a time."""
        leaves = self.leaves(dtype, "cpu")
        x, basis_a, core_a, core_b, basis_b, residual = leaves
        rows = []
        for t, slot in enumerate(self.slots.tolist()):
            if slot < 0:
                rows.append(residual[t])
                continue
            rank = core_a.shape[1] if self.ranks is None else int(self.ranks[slot])
            s = x[t] @ basis_a.T @ core_a[slot, :rank].T
            v = s @ core_b[slot, :rank] * self.scalings[slot].to(dtype)
            rows.append(residual[t] + v @ basis_b.T)
        return self.differentiate(torch.stack(rows), leaves, dtype)

    def kernels(self) -> tuple[torch.Tensor, ...]:
        leaves = self.leaves(self.x.dtype, DEVICE)
        ranks = None if self.ranks is None else self.ranks.to(DEVICE)
        options = {"scalings": self.scalings.to(DEVICE), "ranks": ranks, "impl": "triton"}
        out = basis_lora(*leaves[:5], self.route(), residual=leaves[5], **options)
        return self.differentiate(out, leaves, self.x.dtype)

    def differentiate(self, out, leaves, dtype) -> tuple[torch.Tensor, ...]:
        loss = (out * self.grad.to(out.device, dtype)).sum()
        grads = torch.autograd.grad(loss, leaves, allow_unused=True)
        pairs = zip(grads, leaves, strict=True)
        return out.detach(), *(torch.zeros_like(v) if g is None else g for g, v in pairs)


def core_guarded(case: Case, guards) -> torch.Tensor:
    """v of the core step alone, with poison around and in every buffer."""
    held = case.placed(guards)
    tensors = [guards.hold(t) for t in case.route().tensors()]
    with guards:
        weights = held["lora_a"], held["lora_b"], Route(*tensors), held["scalings"], held["ranks"]
        v, s = launch.core(held["x"], *weights)
    guards.check()
    bare = (case.slots < 0).to(DEVICE)
    assert not v[bare].any() and not s[bare].any(), "rows without an adapter must be zero"
    assert not s.isnan().any()
    return v


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_core_step_matches_fp64_truth(kind, sizes, dtype, guards):
    case = Case(slots_of(kind), SIZES[sizes], dtype, mixed_ranks=sizes != "tiles")
    case.residual.zero_()
    truth, plain = (case.plain(d)[:1] for d in (torch.float64, dtype))
    slack = 1e-4 if dtype == torch.float32 else 1e-2
    close("v", (core_guarded(case, guards),), plain, truth, slack)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_blocks_of_64_rows_match_fp64_truth(dtype, guards):
    slots = torch.tensor([2] * 100 + [-1] * 30 + [0] * 65 + [2] * 5)
    case = Case(slots, (128, 256, 16), dtype, max_segments=3)
    case.residual.zero_()
    assert row_block(200, 3, 128, 256, 16, dtype) == 64
    truth, plain = (case.plain(d)[:1] for d in (torch.float64, dtype))
    close("v", (core_guarded(case, guards),), plain, truth, 1e-2)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("kind", ["distinct", "uniform", "none", "runs"])
def test_output_and_all_gradients_match_fp64_truth(kind, dtype):
    case = BasisCase(slots_of(kind), (45, 33, 6), dtype)
    results = []
    for one in (case.kernels(), case.plain(dtype), case.plain(torch.float64)):
        for grad in one[3:5]:
            for slot, rank in enumerate(case.ranks.tolist()):
                grad[slot, rank:] = 0
        results.append(one)
    names = "out dx d_basis_a d_core_a d_core_b d_basis_b d_residual"
    close(names, *results, 1e-4 if dtype == torch.float32 else 3e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "none", "runs"])
def test_rows_without_an_adapter_keep_the_bits_of_the_residual(kind, dtype, guards):
    case = BasisCase(slots_of(kind), dtype=dtype)
    bare = case.slots < 0
    case.x[bare] = math.nan
    case.residual[bare] = torch.tensor([-0.0, math.nan, 1.0] * 10)[:OUT].to(dtype)
    bits = torch.int32 if dtype == torch.float32 else torch.int16
    out = case.kernels()[0].cpu()
    assert torch.equal(out[bare].view(bits), case.residual[bare].view(bits))
    held, residual = guards.hold(case.grad), guards.hold(case.residual)
    with guards:
        launch.keep(held, residual, case.route())
    guards.check()
    assert torch.equal(held[~bare].cpu(), case.grad[~bare]), "rows with an adapter are not its own"


@pytest.mark.interpreted
def test_rows_beyond_the_bound_of_segments_take_the_residual(monkeypatch):
    """A GPU does not ask whether the bound holds: they lie behind the others in the order."""
    monkeypatch.setattr(route_launch, "_check_segments", lambda slots, bound: None)
    case = BasisCase(torch.tensor([3, 1, 1, 0, 2, 2, -1]), max_segments=3, mixed_ranks=False)
    out = case.kernels()[0]
    case.slots = torch.where(case.slots > 1, -1, case.slots)
    truth = case.plain(torch.float64)[0]
    torch.testing.assert_close(out.double(), truth, rtol=1e-4, atol=1e-4)
    assert torch.equal(out[case.slots < 0], case.residual[case.slots < 0])


@pytest.mark.interpreted
def test_few_programs_stride_over_all_blocks_and_rows(monkeypatch):
    monkeypatch.setattr(launch, "programs_at_most", lambda block_m, others: 2)
    monkeypatch.setattr(launch, "KEEP_PROGRAMS", 2)
    case = BasisCase(torch.cat([slots_of("uniform"), -torch.ones(70).long()]), mixed_ranks=False)
    out, truth = case.kernels()[0], case.plain(torch.float64)[0]
    torch.testing.assert_close(out.double(), truth, rtol=1e-4, atol=1e-4)


def core_of(case: Case, tokens: torch.Tensor, max_segments: int | None = None) -> torch.Tensor:
    """Rows `tokens` of the case's core step, run as a batch of their own."""
    held = case.placed()
    tokens = tokens.to(DEVICE)
    slots = case.slots.to(DEVICE)[tokens]
    route = Route.from_tokens(slots, max_segments=max_segments, impl="triton")
    weights = held["lora_a"], held["lora_b"], route, held["scalings"], held["ranks"]
    return launch.core(held["x"][tokens], *weights)[0]


@pytest.mark.usefixtures("row_invariant_dot")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "skewed"])
def test_company_changes_no_bit_of_the_core_step(kind, dtype):
    case = Case(popular(kind, 40, 9), (320, 80, 12), dtype)
    together = core_of(case, torch.arange(40))
    for tokens in ([0], [7, 23], list(range(39, -1, -1)), [5, 5, 5], list(range(17))):
        chosen = torch.tensor(tokens)
        assert torch.equal(core_of(case, chosen), together[chosen.to(DEVICE)]), tokens


@pytest.mark.usefixtures("row_invariant_dot")
def test_blocks_of_16_and_of_64_rows_give_the_same_bits():
    case = Case(torch.tensor([3] * 150 + [-1] * 7 + [5] * 80), (384, 128, 12), torch.float16)
    tokens = torch.arange(237)
    blocks = [row_block(237, bound, 384, 128, 12, torch.float16) for bound in (237, 3)]
    assert blocks == [16, 64]
    assert torch.equal(core_of(case, tokens), core_of(case, tokens, max_segments=3))


def test_operators_pass_opcheck():
    case = BasisCase(slots_of("zipf"), mixed_ranks=False)
    x, *weights, residual = (t.detach() for t in case.leaves(torch.float32, DEVICE))
    tables = case.route().tensors(), case.scalings.to(DEVICE), None
    opcheck(library.forward, (x, *weights, *tables, residual, "triton"))
    out, u, s, v = library.forward(x, *weights, *tables, None, "triton")
    needs = [True, False, True, False, True]
    opcheck(library.backward, (out, x, u, s, v, *weights, *tables, needs, "triton"))


def test_fullgraph_compile_routes_runs_and_differentiates():
    case = BasisCase(slots_of("uniform"), mixed_ranks=False)
    x, *weights, residual = case.leaves(torch.float32, DEVICE)

    def layer(x, slots):
        route = Route.from_tokens(slots, impl="triton")
        scalings = case.scalings.to(DEVICE)
        y = basis_lora(x, *weights, route, scalings=scalings, residual=residual, impl="triton")
        return (y * y).sum()

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    slots = case.slots.to(DEVICE)
    expected, got = layer(x, slots), compiled(x, slots)
    torch.testing.assert_close(got, expected)
    grads = (torch.autograd.grad(loss, [*weights, residual]) for loss in (got, expected))
    torch.testing.assert_close(*grads)


def test_launches_ask_nothing_of_the_device(no_sync, monkeypatch):
    monkeypatch.setattr(launch, "_check_values", lambda core_a, route, ranks: None)
    for name in ("basis_core_kernel", "basis_keep_kernel") if INTERPRETED else ():
        monkeypatch.setattr(launch, name, Silent())
    case = BasisCase(slots_of("zipf"), mixed_ranks=False)
    x, *weights, residual = (t.detach() for t in case.leaves(torch.float32, DEVICE))
    tables = case.route().tensors(), case.scalings.to(DEVICE), None
    grad = case.grad.to(DEVICE)
    with no_sync:
        _, u, s, v = library.forward(x, *weights, *tables, residual, "triton")
        library.backward(grad, x, u, s, v, *weights, *tables, [True] * 5, "triton")
    assert no_sync.seen > 0


@pytest.mark.interpreted
@pytest.mark.parametrize("lengths", [[1] * 32, [128] * 4], ids=["decode", "prefill"])
@pytest.mark.parametrize("rank", [8, 64])
def test_the_core_step_moves_the_bytes_of_its_model(rank, lengths):
    from t2l_kernel_tools.traffic import count_traffic

    adapters, hidden = len(lengths), 512
    slots = torch.arange(adapters).repeat_interleave(torch.tensor(lengths))
    route = Route.from_tokens(slots, max_segments=adapters, impl="triton")
    u = torch.zeros(len(slots), hidden, dtype=torch.float16)
    core = torch.zeros(adapters, rank, hidden, dtype=torch.float16)
    ranks = torch.full((adapters,), rank, dtype=torch.int32)
    with count_traffic() as traffic:
        launch.core(u, core, core, route, torch.ones(adapters), ranks)
    batch = cost.Batch(
        tuple(lengths), rank=rank, max_segments=adapters, dtype=torch.float16, arch="sm_80"
    )
    modelled = basis_cost.core(batch, hidden)
    assert traffic.distinct <= 1.10 * modelled.least
    assert traffic.issued == pytest.approx(modelled.issued, rel=0.005)
    assert (traffic.programs, traffic.useful) == (modelled.programs, modelled.useful)
    if lengths[0] == 1:
        assert modelled.issued <= 1.10 * modelled.least
        assert modelled.useful >= 0.9 * modelled.programs


def test_tiles_depend_on_sizes_alone():
    plan = core_plan(512, 256, 8, torch.bfloat16, "sm_90")
    small, large = (plan.constants(512, 256, 8, rows) for rows in (16, 64))
    changed = {name for name in small if small[name] != large[name]}
    assert changed == {"BLOCK_M", "num_warps"}


BAD = {
    "core_a must be torch.float32 or torch.float16": lambda c: [
        setattr(c, name, getattr(c, name).double()) for name in ("x", *WEIGHTS, "residual")
    ],
    "core_b must be contiguous": lambda c: setattr(c, "lora_b", c.lora_b.repeat(1, 1, 2)[..., ::2]),
    "route must have block tables": lambda c: setattr(
        c, "route", lambda: Route.from_tokens(c.slots, impl="torch")
    ),
    r"ranks must lie in \[0, 6\] for this slab, got 9": lambda c: setattr(
        c, "ranks", torch.full((9,), 9, dtype=torch.int32)
    ),
    r"slots must lie in \[-1, 2\] for 3 adapters, got 8": lambda c: [
        setattr(c, name, getattr(c, name)[:3]) for name in ("lora_a", "lora_b", "scalings")
    ],
}


@pytest.mark.interpreted  # a GPU is not asked for its slots
@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    case = BasisCase(slots_of("distinct"), mixed_ranks=False)
    BAD[message](case)
    weights = (getattr(case, name) for name in WEIGHTS)
    options = {"scalings": case.scalings, "ranks": case.ranks, "impl": "triton"}
    with pytest.raises(ArgumentError, match=message):
        basis_lora(case.x, *weights, case.route(), residual=case.residual, **options)
