"""basis_lora: fp64 truth, the materialised path, gradients, live ranks, untouched rows, compile."""

import math

import pytest
import torch
from torch.library import opcheck

from t2l_kernel_tools.cost.basis import crossover, even, training, wins
from t2l_kernels import ArgumentError, Route, multi_lora
from t2l_kernels._core.roofline import CPU as CPU_CEILINGS
from t2l_kernels._core.roofline import GPUS, Device, device_of
from t2l_kernels.basis import library
from t2l_kernels.basis.api import basis_lora
from t2l_kernels.basis.cost import (
    Linears,
    core_bytes,
    cores_win,
    inference,
    materialised,
    materialised_bytes,
    seconds,
)
from t2l_kernels.lora.cost import Batch
from tests.kernels.test_lora import IMPLS, POPULARITY, slots_of

NUM_SLOTS, RANK, IN, OUT, HIDDEN_A, HIDDEN_B = 9, 6, 21, 17, 13, 10
WEIGHTS = ("basis_a", "core_a", "core_b", "basis_b")
NAMES = ("x", *WEIGHTS, "residual")


class Case:
    """One problem; core rows beyond the live rank are NaN, so that reading them shows."""

    def __init__(self, kind: str, dtype: torch.dtype, mixed_ranks: bool, poison: bool = True):
        torch.manual_seed(0)
        self.slots = slots_of(kind)
        self.route = Route.from_tokens(self.slots)
        tokens = self.slots.shape[0]
        self.x = torch.randn(tokens, IN, dtype=dtype)
        # as a head's weight [in, h] would be given
        self.basis_a = (torch.randn(IN, HIDDEN_A, dtype=dtype) / IN**0.5).t()
        self.core_a = torch.randn(NUM_SLOTS, RANK, HIDDEN_A, dtype=dtype) / HIDDEN_A**0.5
        self.core_b = torch.randn(NUM_SLOTS, RANK, HIDDEN_B, dtype=dtype)
        self.basis_b = torch.randn(OUT, HIDDEN_B, dtype=dtype) / HIDDEN_B**0.5
        self.residual = torch.randn(tokens, OUT, dtype=dtype)
        self.scalings = torch.rand(NUM_SLOTS) + 0.5
        self.ranks = None
        if mixed_ranks:
            self.ranks = torch.tensor([6, 1, 6, 3, 0, 5, 2, 6, 6], dtype=torch.int32)
            for slot, rank in enumerate(self.ranks.tolist()):
                self.core_a[slot, rank:] = math.nan if poison else 0.0
                self.core_b[slot, rank:] = math.nan if poison else 0.0

    def plain(self, dtype: torch.dtype) -> torch.Tensor:
        """One token at a time, every step in one dtype: in fp64, the truth."""
        out = self.residual.to(dtype).clone()
        basis_a, basis_b = self.basis_a.to(dtype), self.basis_b.to(dtype)
        for t, slot in enumerate(self.slots.tolist()):
            if slot >= 0:
                rank = RANK if self.ranks is None else int(self.ranks[slot])
                a, b = self.core_a[slot, :rank].to(dtype), self.core_b[slot, :rank].to(dtype)
                v = self.x[t].to(dtype) @ basis_a.T @ a.T @ b * self.scalings[slot].to(dtype)
                out[t] += v @ basis_b.T
        return out

    def run(self, impl: str, **changes) -> torch.Tensor:
        options = {name: getattr(self, name) for name in ("scalings", "ranks", "residual")}
        weights = (getattr(self, name) for name in WEIGHTS)
        return basis_lora(self.x, *weights, self.route, impl=impl, **(options | changes))

    def materialised(self) -> torch.Tensor:
        return multi_lora(
            self.x,
            self.core_a @ self.basis_a,
            self.core_b @ self.basis_b.T,
            self.route,
            scalings=self.scalings,
            ranks=self.ranks,
            residual=self.residual,
            impl="torch",
        )


@pytest.mark.parametrize("mixed_ranks", [False, True], ids=["one rank", "mixed ranks"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", POPULARITY)
@pytest.mark.parametrize("impl", IMPLS)
def test_output_matches_fp64_truth_within_the_dtype_own_error(impl, kind, dtype, mixed_ranks):
    case = Case(kind, dtype, mixed_ranks)
    truth = case.plain(torch.float64)
    slack = {torch.float64: 1e-13, torch.float32: 1e-5, torch.bfloat16: 1e-2}[dtype]
    own_error = (case.plain(dtype).double() - truth).abs().max()
    error = (case.run(impl).double() - truth).abs().max()
    assert error <= 2 * own_error + slack


@pytest.mark.parametrize("kind", POPULARITY)
@pytest.mark.parametrize("impl", IMPLS)
def test_output_and_gradients_equal_the_materialised_path(impl, kind):
    case = Case(kind, torch.float64, mixed_ranks=True, poison=False)
    inputs = [getattr(case, name).requires_grad_() for name in NAMES]
    weight = torch.randn_like(case.residual)
    results = []
    for out in (case.run(impl), case.materialised()):
        grads = torch.autograd.grad((out * weight).sum(), inputs, allow_unused=True)
        pairs = zip(grads, inputs, strict=True)
        results.append((out, *(torch.zeros_like(t) if g is None else g for g, t in pairs)))
    for name, mine, theirs in zip(("out", *NAMES), *results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10, msg=name)


@pytest.mark.parametrize("kind", ["distinct", "uniform", "in place", "rows"])
def test_gradcheck(kind):
    case = Case(kind, torch.float64, mixed_ranks=False)

    def run(x, basis_a, core_a, core_b, basis_b, residual):
        weights = basis_a, core_a, core_b, basis_b
        options = {"scalings": case.scalings, "residual": residual, "impl": "torch"}
        return basis_lora(x, *weights, case.route, **options)

    inputs = [getattr(case, name).requires_grad_() for name in NAMES]
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("needed", NAMES)
def test_only_needed_gradients_are_computed(needed):
    case = Case("zipf", torch.float32, mixed_ranks=False)
    getattr(case, needed).requires_grad_()
    case.run("torch").sum().backward()
    assert [name for name in NAMES if getattr(case, name).grad is not None] == [needed]


def test_a_frozen_basis_costs_backward_neither_x_nor_v():
    case = Case("zipf", torch.float32, mixed_ranks=False)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        case.core_a.requires_grad_()
        case.run("torch")
    shapes = {tuple(t.shape) for t in saved}
    assert (40, HIDDEN_A) in shapes and (40, RANK) in shapes
    assert not shapes & {(40, IN), (40, HIDDEN_B), (40, OUT)}


@pytest.mark.parametrize("kind", ["uniform", "none", "in place"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("impl", IMPLS)
def test_rows_without_an_adapter_keep_the_bits_of_the_residual(impl, dtype, kind):
    case = Case(kind, dtype, mixed_ranks=True)
    bare = case.slots < 0
    case.x[bare] = math.nan
    case.residual[bare] = torch.tensor([-0.0, math.nan, 1.0] * 6)[:OUT].to(dtype)
    before = case.residual.clone()
    out = case.run(impl)
    bits = torch.int32 if dtype == torch.float32 else torch.int16
    assert torch.equal(out[bare].view(bits), before[bare].view(bits))
    assert torch.equal(case.residual.view(bits), before.view(bits)), "the residual was modified"


@pytest.mark.parametrize("impl", IMPLS)
def test_without_a_residual_rows_without_an_adapter_are_zero(impl):
    case = Case("in place", torch.float32, mixed_ranks=True)
    out = case.run(impl, residual=None)
    assert not out[case.slots < 0].any()
    torch.testing.assert_close(out, case.run(impl) - case.residual, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("impl", IMPLS)
def test_leading_dimensions_are_kept(impl):
    case = Case("uniform", torch.float64, mixed_ranks=True)
    expected = case.run(impl).view(5, 8, OUT)
    case.x, case.residual = case.x.view(5, 8, IN), case.residual.view(5, 8, OUT)
    torch.testing.assert_close(case.run(impl), expected)


def test_torch_runs_on_the_kernels_routes():
    case = Case("uniform", torch.float64, mixed_ranks=True)
    expected = case.run("torch")
    case.route = Route.from_tokens(case.slots, impl="reference")
    torch.testing.assert_close(case.run("torch"), expected)


def test_a_head_bias_is_one_more_row_of_each_basis():
    """A = core (W + 1 b) with a column of ones: [W; b] and [core, 1]."""
    case = Case("uniform", torch.float64, mixed_ranks=False)
    bias_a, bias_b = torch.randn(IN).double(), torch.randn(OUT).double()
    a = case.core_a @ case.basis_a + bias_a
    b = case.core_b @ case.basis_b.T + bias_b
    options = {"scalings": case.scalings, "residual": case.residual}
    expected = multi_lora(case.x, a, b, case.route, **options)
    ones = torch.ones(NUM_SLOTS, RANK, 1).double()
    case.basis_a = torch.cat([case.basis_a, bias_a[None]])
    case.basis_b = torch.cat([case.basis_b, bias_b[:, None]], dim=1)
    case.core_a, case.core_b = (torch.cat([c, ones], dim=2) for c in (case.core_a, case.core_b))
    torch.testing.assert_close(case.run("torch"), expected)


def served(x, slots, a, core_a, core_b, b) -> torch.Tensor:
    """No scale, no residual."""
    route, ones = Route.from_tokens(slots), torch.ones(len(core_a))
    return basis_lora(x, a, core_a, core_b, b, route, scalings=ones, impl="torch")


@pytest.mark.parametrize("core", ["diagonal", "r × r"])
def test_zhyper_is_a_core_between_shared_a_and_b(core):
    """ΔW = B C A with C of each adapter (Zhyper, 2510.19733): core_a = C, core_b = 1."""
    torch.manual_seed(0)
    rank, slots = 4, torch.tensor([2, 0, -1, 1, 2])
    x, a, b = (torch.randn(*size).double() for size in ((5, IN), (rank, IN), (OUT, rank)))
    c = torch.randn(3, rank, rank).double()
    c = torch.diag_embed(c[:, 0]) if core == "diagonal" else c
    same = torch.eye(rank).double().expand(3, -1, -1).contiguous()
    got = served(x, slots, a, c, same, b)
    for token, slot in enumerate(slots.tolist()):
        expected = b @ c[slot] @ a @ x[token] if slot >= 0 else torch.zeros(OUT).double()
        torch.testing.assert_close(got[token], expected)


def test_vera_scalings_are_a_diagonal_core():
    """ΔW = B diag(λ_d) A with frozen A and B (VeRA, 2310.11454); λ_b may join B's side as rows."""
    torch.manual_seed(0)
    rank, slots = 6, torch.tensor([1, 1, 0, -1])
    x, a, b = (torch.randn(*size).double() for size in ((4, IN), (rank, IN), (OUT, rank)))
    scales = torch.randn(2, rank).double()
    same = torch.eye(rank).double().expand(2, -1, -1).contiguous()
    got = served(x, slots, a, torch.diag_embed(scales), same, b)
    for token, slot in enumerate(slots.tolist()):
        expected = (b * scales[slot]) @ (a @ x[token]) if slot >= 0 else torch.zeros(OUT).double()
        torch.testing.assert_close(got[token], expected)


def test_autocast_changes_neither_output_nor_gradients():
    found = []
    for enabled in (True, False):
        case = Case("uniform", torch.float32, mixed_ranks=False)
        leaves = [getattr(case, name).requires_grad_() for name in NAMES]
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out = case.run("torch")
        out.square().sum().backward()
        found.append([out, *(leaf.grad for leaf in leaves)])
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(*found, strict=True))


@pytest.mark.parametrize("kind", ["distinct", "uniform", "in place"])
def test_operators_pass_opcheck(kind):
    case = Case(kind, torch.float32, mixed_ranks=True, poison=False)
    weights = tuple(getattr(case, name) for name in WEIGHTS)
    tables = case.route.tensors(), case.scalings, case.ranks
    opcheck(library.forward, (case.x, *weights, *tables, case.residual, "torch"))
    out, u, s, v = library.forward(case.x, *weights, *tables, None, "torch")
    for x, needs in ((case.x, [True] * 5), (None, [True, False, True, False, False])):
        opcheck(library.backward, (out, x, u, s, v, *weights, *tables, needs, "torch"))


@pytest.mark.parametrize("trained", ["core_a", "basis_b"])
@pytest.mark.slow
def test_fullgraph_compile_routes_runs_and_differentiates(trained):
    case = Case("uniform", torch.float32, mixed_ranks=True, poison=False)
    leaf = getattr(case, trained).requires_grad_()
    weights = [getattr(case, name) for name in WEIGHTS]

    def layer(x, y, slots):
        route = Route.from_tokens(slots)
        options = {"scalings": case.scalings, "ranks": case.ranks, "residual": y}
        y = basis_lora(x, *weights, route, **options)
        return (y * y).sum()

    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    operands = case.x, case.residual, case.slots
    expected, got = layer(*operands), compiled(*operands)
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(torch.autograd.grad(got, leaf), torch.autograd.grad(expected, leaf))


def test_no_tokens_are_fine():
    route = Route.from_tokens(torch.empty(0, dtype=torch.int32))
    weights = [torch.empty(size) for size in ((3, 4), (2, 1, 3), (2, 1, 6), (5, 6))]
    out = basis_lora(torch.empty(0, 4), *weights, route, scalings=torch.ones(2))
    assert out.shape == (0, 5)


BAD = {
    "basis_a must have shape": lambda c: setattr(c, "basis_a", c.basis_a[:, :-1]),
    "core_a must have shape": lambda c: setattr(c, "core_a", c.core_a[..., :-1]),
    "core_b must have shape": lambda c: setattr(c, "core_b", c.core_b[:, :-1]),
    "basis_b must have shape": lambda c: setattr(c, "basis_b", c.basis_b[:, :-1]),
    "basis_b must be torch.float32": lambda c: setattr(c, "basis_b", c.basis_b.double()),
    "x must be torch.float32": lambda c: setattr(c, "x", c.x.int()),
    "residual must have shape": lambda c: setattr(c, "residual", c.residual[:-1]),
    "scalings must have shape": lambda c: setattr(c, "scalings", c.scalings[:-1]),
    "ranks must be torch.int32": lambda c: setattr(c, "ranks", torch.ones(NUM_SLOTS)),
    "route.token_slots must have": lambda c: setattr(c, "route", Route.from_tokens(c.slots[:-1])),
    r"slots must lie in \[-1, 1\]": lambda c: (
        setattr(c, "core_a", c.core_a[:2]),
        setattr(c, "core_b", c.core_b[:2]),
        setattr(c, "scalings", c.scalings[:2]),
    ),
    r"ranks must lie in \[0, 6\] for this slab, got 7": lambda c: setattr(
        c, "ranks", torch.full((NUM_SLOTS,), 7, dtype=torch.int32)
    ),
    "core_a must be on": lambda c: setattr(c, "core_a", c.core_a.to("meta")),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    case = Case("identical", torch.float32, mixed_ranks=False)
    BAD[message](case)
    with pytest.raises(ArgumentError, match=message):
        case.run("torch")


@pytest.mark.parametrize("impl", ["cuda", ""])
def test_an_unknown_implementation_is_refused(impl):
    case = Case("identical", torch.float32, mixed_ranks=False)
    with pytest.raises(ArgumentError, match="impl must be one of 'auto', 'triton', 'torch'"):
        case.run(impl)


H100 = GPUS[1]


def test_an_adapter_as_cores_is_an_eighth_of_one_that_is_materialised():
    batch = Batch((1,), rank=8)
    assert core_bytes(batch, 512) == 2 * 8 * 512 * 2
    assert materialised_bytes(batch) == 8 * core_bytes(batch, 512)


def test_the_least_is_every_operand_once():
    batch = Batch((1, 1), in_features=64, out_features=32, rank=8, dtype=torch.float16)
    first, core, last, keep = inference(batch, 16)
    assert first.least == 2 * (2 * 64 + 64 * 16 + 2 * 16)
    assert core.least == 2 * (2 * 16 + 2 * 8 + 2 * 16 + 2 * 2 * 8 * 16)
    assert last.least == 2 * (2 * 16 + 16 * 32 + 2 * 2 * 32) and keep.least == 0
    cached = inference(batch, 16, cached=True)
    assert first.least - cached[0].least == 2 * 64 * 16
    assert last.least - cached[2].least == 2 * 16 * 32
    assert sum(part.launches for part in training(batch, 16)) == 13


@pytest.mark.parametrize("cached", [False, True], ids=["from memory", "from L2"])
def test_the_crossover_is_where_cores_begin_to_win(cached):
    batch_of = even(rank=8)
    found = crossover(batch_of, 512, H100, cached=cached)
    assert found is not None and wins(batch_of(found), 512, H100, cached=cached)
    if cached:
        assert found == 1
    else:
        assert 73 <= found <= 100  # anchors: above 73 to 80, before the residual's copy
        assert not wins(batch_of(found - 1), 512, H100)


def test_launches_move_the_crossover_up_and_prefill_never_crosses():
    batch_of = even(rank=8)
    free, priced = (crossover(batch_of, 512, H100, per_launch=t) for t in (0.0, 2e-6))
    assert free is not None and priced is not None and free < priced < 1024
    assert crossover(even(128, rank=8), 512, H100) is None
    batch = batch_of(1024)
    assert seconds(inference(batch, 512), H100) < seconds(materialised(batch), H100)


CPU = torch.device("cpu")
FAST_MATH = Device("multiplies for nothing", 1e12, 1e18, 1e18)
FAST_MEMORY = Device("reads for nothing", 1e18, 1e12, 1e12)


@pytest.mark.parametrize(
    ("device", "adapters", "expected"),
    [
        (FAST_MATH, 1024, True),
        (FAST_MEMORY, 1024, False),
        (FAST_MATH, 1, False),  # two bases are more to read than one adapter
        (H100, 4096, True),
        (H100, 64, False),
        (None, 1024, None),
    ],
    ids=["bytes count", "FLOPs count", "one adapter", "H100, many", "H100, few", "unknown"],
)
def test_the_decision_for_a_model_follows_ceilings_and_adapters(
    monkeypatch, device, adapters, expected
):
    monkeypatch.setattr("t2l_kernels.basis.cost.device_of", lambda _: device)
    linears = [Linears(32, 4096, 4096, 512), Linears(32, 4096, 1024, 512)]
    assert cores_win(linears, adapters, 8, torch.bfloat16, CPU) is expected


def test_the_decision_weighs_linears_by_their_layers(monkeypatch):
    """Cores win for wide linears and lose for narrow ones: whichever are more decide."""
    device = Device("even", 1e12, 2e13, 2e13, launch_seconds=0.0)
    monkeypatch.setattr("t2l_kernels.basis.cost.device_of", lambda _: device)
    sizes = [(8192, 8192), (64, 64)]

    def verdict(*layers: int) -> bool | None:
        linears = [Linears(n, *size, 64) for n, size in zip(layers, sizes, strict=True)]
        return cores_win(linears, 256, 8, torch.bfloat16, CPU)

    assert verdict(1, 0) is True and verdict(0, 1) is False
    assert verdict(1, 100_000) is False and verdict(100_000, 1) is True


def test_a_call_on_a_cpu_costs_what_was_fitted():
    """docs/kernels/: measured 1.56, 1.16, 0.76 and 0.57 at h 64; the model stays within 1.35×."""
    for adapters, measured in ((16, 1.56), (64, 1.16), (256, 0.76), (1024, 0.57)):
        batch = even(rank=8, dtype=torch.float32)(adapters)
        mine, theirs = (
            seconds(parts, CPU_CEILINGS, per_launch=CPU_CEILINGS.launch_seconds)
            for parts in (inference(batch, 64), materialised(batch))
        )
        assert 1 / 1.35 < mine / theirs / measured < 1.35


def test_fp32_takes_the_fp32_ceiling():
    """At 67 TFLOP/s the bases' FLOPs outweigh the bytes that they save."""
    assert H100.of(torch.bfloat16) == H100 and H100.of(torch.float32).flops_per_second == 67e12
    batch = even(rank=8, dtype=torch.float32)(4096)
    assert wins(batch, 512, H100) and not wins(batch, 512, H100.of(torch.float32))


@pytest.mark.parametrize(
    ("name", "found"),
    [("NVIDIA H100 80GB HBM3", "H100 SXM"), ("AMD Instinct MI300X", "MI300X"), ("RTX 2080", None)],
)
def test_a_gpu_is_known_by_its_name(monkeypatch, name, found):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    device = device_of(torch.device("cuda"))
    assert (device and device.name) == found
    assert device_of(torch.device("meta")) is None
