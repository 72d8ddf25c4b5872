"""Cores over shared bases: fp64 truth, gradients, Zhyper and VeRA as cores, operators, refusals."""

import math

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import ArgumentError, Route, multi_lora
from t2l_kernels.basis import library
from t2l_kernels.basis.api import basis_lora
from tests.kernels.problems import IMPLS, IN, NUM_SLOTS, OUT, POPULARITY, RANK, Problem

HIDDEN_A, HIDDEN_B = 13, 10
WEIGHTS = ("basis_a", "core_a", "core_b", "basis_b")
NAMES = ("x", *WEIGHTS, "residual")


class Case(Problem):
    """Adapters as cores over bases."""

    def draw_weights(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        # as a head's weight [in, h] comes
        self.basis_a = (torch.randn(IN, HIDDEN_A, dtype=dtype) / IN**0.5).t()
        self.core_a = torch.randn(NUM_SLOTS, RANK, HIDDEN_A, dtype=dtype) / HIDDEN_A**0.5
        self.core_b = torch.randn(NUM_SLOTS, RANK, HIDDEN_B, dtype=dtype)
        self.basis_b = torch.randn(OUT, HIDDEN_B, dtype=dtype) / HIDDEN_B**0.5
        return self.core_a, self.core_b

    def plain(self, dtype: torch.dtype) -> torch.Tensor:
        """One token at a time, every step in one dtype: in fp64, the truth."""
        out = self.residual.to(dtype).clone()
        basis_a, basis_b = self.basis_a.to(dtype), self.basis_b.to(dtype)
        for t, slot, rank in self.live():
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
