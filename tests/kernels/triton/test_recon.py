"""lowrank_l1 by the kernels: fp64 truth behind guard bands, exact zeros, reproducible bits."""

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import ArgumentError
from t2l_kernels.recon import launch, library
from t2l_kernels.recon.api import lowrank_l1, lowrank_l2
from tests.kernels.triton.conftest import DEVICE, NoSync

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
SIZES = {  # batch, r, R, in, out
    "odd sizes": (3, 5, 3, 45, 70),
    "tiles": (2, 16, 16, 64, 128),
    "narrow": (4, 1, 8, 9, 2),
    "wide rank": (1, 33, 8, 48, 80),
    "wide target": (1, 8, 128, 100, 33),
}
BOTH = (True, True)

Factors = list[torch.Tensor]


def factors(sizes: str, dtype: torch.dtype) -> Factors:
    """a_hat, b_hat, a, b on the CPU."""
    torch.manual_seed(0)
    n, r, target_r, wide, out = SIZES[sizes]
    shapes = ((r, wide), (r, out), (target_r, wide), (target_r, out))
    return [torch.randn(n, *shape).to(dtype) for shape in shapes]


def placed(tensors: Factors) -> Factors:
    return [t.to(DEVICE) for t in tensors]


def plain(tensors: Factors, scale: float, dtype: torch.dtype) -> Factors:
    """Loss and gradients by the whole difference, in one dtype."""
    a_hat, b_hat = (t.to(dtype).requires_grad_() for t in tensors[:2])
    a, b = (t.to(dtype) for t in tensors[2:])
    loss = (b_hat.mT @ a_hat - scale * (b.mT @ a)).abs().mean()
    return [loss.detach(), *torch.autograd.grad(3 * loss, (a_hat, b_hat))]


def run(tensors: Factors, scale: float = 1.0, needs: tuple[bool, bool] = BOTH) -> Factors:
    grad = torch.full((), 3.0, device=DEVICE)
    loss = launch.l1(tuple(tensors), scale)
    return [loss, *launch.l1_backward(grad, tuple(tensors), scale, needs)]


def close(got: Factors, theirs: Factors, truth: Factors) -> None:
    """The kernels may err by twice what plain torch errs in the same dtype, and a little more.

    The interpreter cuts fp32 to bf16 where a GPU rounds to nearest: twice the error of a rounding.
    """
    factor = 4 if DEVICE == "cpu" and theirs[1].dtype == torch.bfloat16 else 2
    for name, mine, other, exact in zip(("loss", "dÂ", "dB̂"), got, theirs, truth, strict=True):
        own_error = (other.double() - exact).abs().max()
        error = (mine.cpu().double() - exact).abs().max()
        slack = 1e-6 * exact.abs().max()
        assert error <= factor * own_error + slack, f"{name}: {error} beside {own_error}"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 0.0, -1.7])
@pytest.mark.parametrize("sizes", SIZES)
def test_loss_and_gradients_match_fp64_truth(sizes, scale, dtype, guards):
    tensors = factors(sizes, dtype)
    truth, theirs = (plain(tensors, scale, d) for d in (torch.float64, dtype))
    held = [guards.hold(t) for t in tensors]
    with guards:
        got = run(held, scale)
    guards.check()
    assert got[0].dtype == torch.float32 and got[1].dtype == got[2].dtype == dtype
    close(got, theirs, truth)
    for tensor, before in zip(held, tensors, strict=True):
        assert torch.equal(tensor.cpu(), before), "an operand was modified"


def test_a_large_scale_does_not_overflow_fp16():
    """Text-to-LoRA trains on 10,000 times the target."""
    tensors = factors("odd sizes", torch.float16)
    truth = plain(tensors, 1e4, torch.float64)
    loss, *grads = run(placed(tensors), 1e4)
    torch.testing.assert_close(loss.cpu().double(), truth[0], rtol=1e-5, atol=0)
    for mine, exact in zip(grads, truth[1:], strict=True):
        torch.testing.assert_close(mine.cpu().double(), exact, rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_equal_adapters_give_exactly_zero(dtype):
    """A sign of rounding noise would be a gradient of full size."""
    a_hat, b_hat, *_ = placed(factors("odd sizes", dtype))
    for value in run([a_hat, b_hat, a_hat.clone(), b_hat.clone()]):
        assert not value.any()


@pytest.mark.parametrize("needs", [(True, False), (False, True), (False, False)])
def test_only_needed_gradients_are_computed(needs):
    tensors = placed(factors("odd sizes", torch.float32))
    every, some = run(tensors), run(tensors, needs=needs)
    for need, one, all_of in zip(needs, some[1:], every[1:], strict=True):
        assert torch.equal(one, all_of) if need else one.numel() == 0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_same_bits_each_time_and_in_any_company(dtype):
    tensors = placed(factors("narrow", dtype))
    first, second = run(tensors), run(tensors)
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))
    # a quarter of the batch: gradients of a mean over a quarter of the elements, exactly four times
    alone = run([t[1:2] for t in tensors])
    for one, together in zip(alone[1:], first[1:], strict=True):
        assert torch.equal(one[0], 4 * together[1])


def test_nan_is_not_hidden():
    tensors = factors("odd sizes", torch.float32)
    tensors[0][1, 2, 7] = torch.nan
    loss, grad_a, grad_b = run(placed(tensors))
    assert loss.isnan() and grad_b[1].isnan().all()
    assert grad_a[1, :, 7].isnan().all() and int(grad_a.isnan().sum()) == 5
    assert not grad_b[0].isnan().any()


@pytest.mark.parametrize("loss", [lowrank_l1, lowrank_l2], ids=["l1", "l2"])
@pytest.mark.parametrize("batch", [(), (3, 1), (2, 2)], ids=["none", "3 x 1", "2 x 2"])
def test_autograd_equals_the_torch_path(loss, batch):
    torch.manual_seed(0)
    shapes = ((4, 40), (4, 24), (7, 40), (7, 24))
    tensors = [torch.randn(*batch, *shape, device=DEVICE) for shape in shapes]
    leaves = [t.requires_grad_() for t in tensors[:2]]
    found = {}
    for impl in ("triton", "torch"):
        value = loss(*tensors, scale=0.5, impl=impl)
        found[impl] = value, *torch.autograd.grad(value, leaves)
    for mine, theirs in zip(found["triton"], found["torch"], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_operators_pass_opcheck():
    tensors = placed(factors("odd sizes", torch.float32))
    opcheck(library.l1, (*tensors, 2.0, "triton"))
    grad = torch.ones((), device=DEVICE)
    opcheck(library.l1_backward, (grad, *tensors, 2.0, [True, False], "triton"))


def test_fullgraph_compile_differentiates():
    tensors = placed(factors("odd sizes", torch.float32))
    leaves = [t.requires_grad_() for t in tensors[:2]]

    def loss(*tensors):
        return lowrank_l1(*tensors, scale=2.0, impl="triton")

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    grads = [torch.autograd.grad(call(*tensors), leaves) for call in (compiled, loss)]
    assert all(torch.equal(one, two) for one, two in zip(*grads, strict=True))


def test_launches_ask_nothing_of_the_device():
    tensors = placed(factors("odd sizes", torch.float32))
    with NoSync() as mode:
        run(tensors)
    assert mode.seen > 0


def test_strided_operands_are_fine():
    tensors = factors("odd sizes", torch.float32)
    truth = plain(tensors, 1.0, torch.float64)
    strided = [t.to(DEVICE).mT.contiguous().mT for t in tensors]
    close(run(strided), plain(tensors, 1.0, torch.float32), truth)


@pytest.mark.parametrize("which, name", [(0, "a_hat and b_hat"), (2, "a and b")])
def test_a_rank_beyond_the_tiles_is_refused(which, name):
    tensors = placed(factors("odd sizes", torch.float32))
    for side in (which, which + 1):
        tensors[side] = torch.zeros(3, 130, tensors[side].shape[2], device=DEVICE)
    with pytest.raises(ArgumentError, match=f"{name} must have a rank from 1 to 128 .* got 130"):
        lowrank_l1(*tensors, impl="triton")


def test_fp64_is_refused():
    tensors = placed(factors("odd sizes", torch.float64))
    with pytest.raises(ArgumentError, match="a_hat, b_hat, a and b must be torch.float32"):
        lowrank_l1(*tensors, impl="triton")
