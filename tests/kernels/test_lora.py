"""Shrink, expand and multi_lora: fp64 truth, gradients, live ranks, untouched rows."""

import math

import pytest
import torch

from t2l_kernels import (
    Route,
    explain_impl,
    lora_expand,
    lora_shrink,
    multi_lora,
    resolve_impl,
)
from t2l_kernels._core import impl
from t2l_kernels.lora import torch_impl
from tests.kernels.lora_case import Case
from tests.kernels.problems import IMPLS, NUM_SLOTS, POPULARITY, RANK


@pytest.mark.parametrize("mixed_ranks", [False, True], ids=["one rank", "mixed ranks"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kind", POPULARITY)
@pytest.mark.parametrize("impl", IMPLS)
def test_output_matches_fp64_truth_within_the_dtype_own_error(impl, kind, dtype, mixed_ranks):
    case = Case(kind, dtype, mixed_ranks)
    truth = case.truth()
    slack = {torch.float64: 1e-13, torch.float32: 1e-5, torch.bfloat16: 5e-2}[dtype]
    own_error = (truth.to(dtype).double() - truth).abs().max()
    error = (case.run(impl).double() - truth).abs().max()
    assert error <= 2 * own_error + slack


@pytest.mark.parametrize("small, served", [(1 << 20, [4]), (0, [1, 2, 1])], ids=["small", "large"])
def test_large_adapters_are_not_copied_for_long_segments(monkeypatch, small, served):
    monkeypatch.setattr(torch_impl, "_SMALL_BYTES", small)
    case = Case("rows", torch.float32, mixed_ranks=False)
    stretches = torch_impl.plan(case.route, None, case.lora_a, case.lora_b)
    assert [stretch.count for stretch in stretches] == served
    torch.testing.assert_close(case.run("torch").double(), case.truth(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", POPULARITY)
@pytest.mark.parametrize("impl", IMPLS)
def test_shrink_then_expand_equals_multi_lora_and_leaves_other_rows_alone(impl, kind):
    case = Case(kind, torch.float32, mixed_ranks=True)
    s = lora_shrink(case.x, case.lora_a, case.route, ranks=case.ranks, impl=impl)
    assert s.dtype == torch.float32 and s.shape == (1, len(case.slots), RANK)
    s[:, case.slots < 0] = math.nan  # unspecified rows are never read
    out = case.residual.clone()
    lora_expand(
        s, case.lora_b, case.route, scalings=case.scalings, ranks=case.ranks, out=out, impl=impl
    )
    torch.testing.assert_close(out, case.run("reference"), rtol=1e-5, atol=1e-5)
    untouched = case.slots < 0
    assert torch.equal(out[untouched], case.residual[untouched])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("mixed_ranks", [False, True], ids=["one rank", "mixed ranks"])
@pytest.mark.parametrize("kind", POPULARITY)
@pytest.mark.parametrize("impl", IMPLS)
def test_adding_in_one_call_equals_shrink_then_expand(impl, kind, mixed_ranks, dtype):
    case = Case(kind, dtype, mixed_ranks)
    out = case.add(impl)
    want = case.residual.clone()
    s = lora_shrink(case.x, case.lora_a, case.route, ranks=case.ranks, impl=impl)
    lora_expand(
        s, case.lora_b, case.route,
        scalings=case.scalings, ranks=case.ranks, out=want, impl=impl,
    )  # fmt: skip
    torch.testing.assert_close(out, want)
    none = case.slots < 0
    assert torch.equal(out[none], case.residual[none])


def test_a_route_that_was_used_sees_ranks_written_since():
    case = Case("uniform", torch.float64, mixed_ranks=True, poison=False)
    case.add("torch")
    assert case.route.plans
    case.ranks[:] = torch.tensor([0, 1, 2, 3, 4, 5, 6, 1, 2], dtype=torch.int32)
    torch.testing.assert_close(case.add("torch"), case.truth())
    case.ranks = case.ranks.flip(0).contiguous()
    torch.testing.assert_close(case.add("torch"), case.truth())
    with torch.inference_mode():
        case.ranks = case.ranks.clone()
        torch.testing.assert_close(case.add("torch"), case.truth())
        case.ranks[:] = 2
        torch.testing.assert_close(case.add("torch"), case.truth())


def test_a_route_serves_layers_of_different_shapes():
    case, wide = (Case("zipf", torch.float64, mixed_ranks=False) for _ in range(2))
    wide.x = torch.randn(40, 50, dtype=torch.float64)
    wide.lora_a = torch.randn(NUM_SLOTS, RANK, 50, dtype=torch.float64)
    wide.route = case.route
    for own in (case, wide, case):
        torch.testing.assert_close(own.add("torch"), own.truth())


@pytest.mark.parametrize("kind", POPULARITY)
def test_torch_runs_on_the_kernels_routes(kind):
    """What "auto" does on a GPU with a dtype or a rank that the kernels do not run."""
    case = Case(kind, torch.float64, mixed_ranks=True)
    expected = case.run("torch")
    case.route = Route.from_tokens(case.slots, impl="reference")
    torch.testing.assert_close(case.run("torch"), expected)


def test_auto_leaves_to_torch_what_the_kernels_do_not_run(monkeypatch):
    gpu = torch.device("cuda")
    monkeypatch.setattr(impl, "triton_installed", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert resolve_impl("auto", gpu, torch.bfloat16, 128) == "triton"
    assert resolve_impl("auto", gpu, torch.float64, 8) == "torch"
    assert resolve_impl("auto", gpu, torch.bfloat16, 129) == "torch"
    assert resolve_impl("triton", gpu, torch.float64, 8) == "triton", "explicit: never falls back"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert explain_impl(gpu) == ("torch", "the kernels need compute capability 8.0, got 7.5")


def test_expand_sums_planes():
    case = Case("uniform", torch.float32, mixed_ranks=False)
    s = lora_shrink(case.x, case.lora_a, case.route)
    planes = torch.cat([0.25 * s, 0.75 * s])
    outs = []
    for value in (s, planes):
        out = case.residual.clone()
        lora_expand(value, case.lora_b, case.route, scalings=case.scalings, out=out)
        outs.append(out)
    torch.testing.assert_close(*outs)


def test_reference_is_bitwise_independent_of_company():
    case = Case("zipf", torch.float32, mixed_ranks=True)
    together = case.run("reference")
    for token in range(len(case.slots)):
        one = slice(token, token + 1)
        alone = multi_lora(
            case.x[one],
            case.lora_a,
            case.lora_b,
            Route.from_tokens(case.slots[one]),
            scalings=case.scalings,
            ranks=case.ranks,
            residual=case.residual[one],
            impl="reference",
        )
        assert torch.equal(alone, together[one])


@pytest.mark.parametrize("impl", IMPLS)
def test_permuting_tokens_permutes_the_output(impl):
    case = Case("uniform", torch.float64, mixed_ranks=False)
    before = case.run(impl)
    perm = torch.randperm(len(case.slots))
    case.x, case.residual, case.slots = case.x[perm], case.residual[perm], case.slots[perm]
    case.route = Route.from_tokens(case.slots)
    torch.testing.assert_close(case.run(impl), before[perm])


@pytest.mark.parametrize("kind", POPULARITY)
def test_gradients_of_torch_equal_autograd_through_the_reference(kind):
    case = Case(kind, torch.float64, mixed_ranks=True, poison=False)
    inputs = [case.x, case.lora_a, case.lora_b, case.residual]
    for tensor in inputs:
        tensor.requires_grad_()
    weight = torch.randn_like(case.residual)
    grads = {
        impl: torch.autograd.grad((case.run(impl) * weight).sum(), inputs, allow_unused=True)
        for impl in IMPLS
    }
    for mine, theirs, tensor in zip(grads["torch"], grads["reference"], inputs, strict=True):
        expected = torch.zeros_like(tensor) if theirs is None else theirs
        torch.testing.assert_close(mine, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["distinct", "uniform", "in place", "rows"])
def test_gradcheck(kind):
    case = Case(kind, torch.float64, mixed_ranks=False)

    def run(x, lora_a, lora_b, residual):
        return multi_lora(
            x, lora_a, lora_b, case.route, scalings=case.scalings, residual=residual, impl="torch"
        )

    inputs = [t.requires_grad_() for t in (case.x, case.lora_a, case.lora_b, case.residual)]
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


def test_only_needed_gradients_are_computed():
    case = Case("zipf", torch.float32, mixed_ranks=False)
    case.lora_b.requires_grad_()
    case.run("torch").sum().backward()
    assert case.lora_b.grad is not None and case.lora_a.grad is None and case.x.grad is None
