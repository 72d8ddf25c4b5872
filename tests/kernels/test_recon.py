"""lowrank_l1 and lowrank_l2: fp64 truth, gradients, exact zeros, compile, bounded memory."""

import gc
from pathlib import Path

import pytest
import torch
from torch.library import opcheck

from t2l_kernels import ArgumentError
from t2l_kernels.recon import library, torch_impl
from t2l_kernels.recon.api import lowrank_l1, lowrank_l2

LOSSES = {"l1": lowrank_l1, "l2": lowrank_l2}
IMPLS = ["reference", "torch"]
SHAPES = {  # batch, r, R, in, out
    "no batch": ((), 4, 4, 16, 16),
    "odd sizes": ((3,), 3, 5, 45, 33),
    "wider target": ((2, 2), 1, 7, 8, 70),
    "narrower target": ((1, 2, 3), 6, 2, 31, 9),
}

Factors = list[torch.Tensor]


def factors(
    batch: tuple[int, ...], r: int, target_r: int, wide: int, out: int, dtype=torch.float64
) -> Factors:
    """a_hat, b_hat, a, b."""
    torch.manual_seed(0)
    shapes = ((r, wide), (r, out), (target_r, wide), (target_r, out))
    return [torch.randn(*batch, *shape).to(dtype) for shape in shapes]


def dense(loss: str, tensors: Factors, scale: float) -> torch.Tensor:
    """The published loss: the whole difference at once, in the tensors' dtype."""
    a_hat, b_hat, a, b = tensors
    difference = b_hat.mT @ a_hat - scale * (b.mT @ a)
    return (difference.abs() if loss == "l1" else difference.square()).mean()


def with_grads(loss, tensors: Factors, **options) -> Factors:
    """The loss and the gradients of a_hat and b_hat, in fp64."""
    leaves = [t.detach().requires_grad_() for t in tensors[:2]]
    value = loss(*leaves, *tensors[2:], **options)
    # a factor, so that a gradient that ignores the incoming one shows
    return [t.detach().double() for t in (value, *torch.autograd.grad(3 * value, leaves))]


@pytest.fixture(params=[4 << 20, 4096], ids=["one tile", "many tiles"])
def tile_bytes(request, monkeypatch):
    monkeypatch.setattr(torch_impl, "_TILE_BYTES", request.param)
    monkeypatch.setattr(torch_impl, "_WIDE_BYTES", request.param)


@pytest.mark.parametrize("scale", [1.0, 0.0, -1.7, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("loss", LOSSES)
def test_loss_and_gradients_equal_the_dense_ones(loss, impl, shape, scale, tile_bytes):
    tensors = factors(*SHAPES[shape])
    expected = with_grads(lambda *t: dense(loss, list(t), scale), tensors)
    got = with_grads(LOSSES[loss], tensors, scale=scale, impl=impl)
    for mine, exact in zip(got, expected, strict=True):
        assert mine.shape == exact.shape
        torch.testing.assert_close(mine, exact, rtol=1e-11, atol=1e-13 * exact.abs().max().item())


@pytest.mark.parametrize("tile_bytes", [4096], ids=["many tiles"], indirect=True)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("loss", LOSSES)
def test_other_dtypes_err_by_no_more_than_the_dense_loss(loss, impl, shape, dtype, tile_bytes):
    tensors = factors(*SHAPES[shape], dtype=dtype)
    exact = with_grads(lambda *t: dense(loss, list(t), 1.5), [t.double() for t in tensors])
    plain = with_grads(lambda *t: dense(loss, list(t), 1.5), tensors)
    got = with_grads(LOSSES[loss], tensors, scale=1.5, impl=impl)
    for mine, theirs, truth in zip(got, plain, exact, strict=True):
        own_error = (theirs - truth).abs().max()
        slack = 1e-6 * truth.abs().max()
        assert (mine - truth).abs().max() <= 2 * own_error + slack
    found = LOSSES[loss](*tensors, scale=1.5, impl=impl)
    assert found.dtype == torch.float32 and found.shape == ()


@pytest.mark.parametrize("loss", LOSSES)
def test_gradcheck(loss):
    tensors = factors((2,), 3, 4, 7, 5)
    for leaf in tensors[:2]:
        leaf.requires_grad_()

    def run(a_hat, b_hat):
        return LOSSES[loss](a_hat, b_hat, *tensors[2:], scale=-0.5, impl="torch")

    assert torch.autograd.gradcheck(run, tensors[:2])


@pytest.mark.parametrize("one", [0, 1], ids=["a_hat", "b_hat"])
@pytest.mark.parametrize("loss", LOSSES)
def test_one_gradient_alone_equals_it_among_both(loss, one):
    tensors = factors(*SHAPES["odd sizes"])
    both = with_grads(LOSSES[loss], tensors, impl="torch")
    leaf = tensors[one].requires_grad_()
    (alone,) = torch.autograd.grad(3 * LOSSES[loss](*tensors, impl="torch"), leaf)
    assert torch.equal(alone, both[1 + one])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("wide", [96, 1001])
def test_equal_adapters_give_exactly_zero(wide, dtype):
    a_hat, b_hat, *_ = factors((3,), 8, 8, wide, wide, dtype)
    tensors = [a_hat, b_hat, a_hat.clone(), b_hat.clone()]
    for value in with_grads(lowrank_l2, tensors, impl="torch"):
        assert not value.any()
    assert lowrank_l1(*tensors) < (1e-14 if dtype == torch.float64 else 1e-5)


def test_l2_is_accurate_where_fp32_grams_cancel_to_noise():
    """Equal adapters in other coordinates, a millionth off: the loss is what is off."""
    a_hat, b_hat, *_ = factors((2,), 6, 6, 300, 200, torch.float32)
    mix = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))[0]
    size = 2 * dense("l2", [a_hat, b_hat, a_hat, b_hat], 0.0)
    for off in (0.0, 1e-6, 1e-5):
        a, b = (mix @ a_hat.double() * (1 + off)).float(), (mix @ b_hat.double()).float()
        tensors = [a_hat, b_hat, a, b]
        exact = dense("l2", [t.double() for t in tensors], 1.0)
        assert abs(lowrank_l2(*tensors).double() - exact) <= 1e-3 * exact + 2e-15 * size


def test_l2_of_equal_adapters_in_other_coordinates_is_not_negative():
    for seed in range(50):
        a_hat, b_hat, *_ = factors((), 8, 8, 64, 64)
        torch.manual_seed(seed)
        mix = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))[0]
        assert 0 <= lowrank_l2(a_hat, b_hat, mix @ a_hat, mix @ b_hat) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
def test_nan_is_not_hidden(loss):
    tensors = factors((2,), 2, 2, 6, 4)
    tensors[0][1, 0, 3] = torch.nan
    value, _, grad_b = with_grads(LOSSES[loss], tensors, impl="torch")
    assert value.isnan() and grad_b[1].isnan().any()


@pytest.mark.parametrize("loss", LOSSES)
def test_strided_and_shared_targets_are_fine(loss):
    tensors = factors((4, 3), 2, 5, 12, 10)
    tensors[2] = tensors[2][:, :1].expand(4, 3, 5, 12)
    tensors[3] = tensors[3].mT.contiguous().mT
    expected = with_grads(lambda *t: dense(loss, list(t), 1.0), tensors)
    for mine, exact in zip(with_grads(LOSSES[loss], tensors), expected, strict=True):
        torch.testing.assert_close(mine, exact, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_autocast_changes_nothing(loss):
    tensors = factors((2,), 4, 4, 40, 24, torch.float32)
    expected = with_grads(LOSSES[loss], tensors)
    with torch.autocast("cpu", torch.bfloat16):
        got = with_grads(LOSSES[loss], tensors)
    assert all(torch.equal(mine, exact) for mine, exact in zip(got, expected, strict=True))


def test_operators_pass_opcheck():
    tensors = factors((2, 1), 3, 4, 9, 5)
    grad = torch.ones((), dtype=torch.float64)
    opcheck(library.l1, (*tensors, 2.0, "torch"))
    opcheck(library.l1_backward, (grad, *tensors, 2.0, [True, False], "torch"))
    opcheck(library.l2, (*tensors, 2.0))
    _, grams = library.l2(*tensors, 2.0)
    opcheck(library.l2_backward, (grad, *tensors, grams, 2.0, [True, True]))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.slow
def test_fullgraph_compile_differentiates(loss):
    tensors = factors((2,), 3, 4, 9, 5)
    compiled = torch.compile(LOSSES[loss], fullgraph=True, backend="aot_eager")
    for scale in (1.0, 2.5):
        got = with_grads(compiled, tensors, scale=scale)
        expected = with_grads(LOSSES[loss], tensors, scale=scale)
        for mine, exact in zip(got, expected, strict=True):
            torch.testing.assert_close(mine, exact)


BAD = {
    r"a_hat must have shape \[…, rank, in_features\]": lambda t: t.__setitem__(0, t[0][0, 0]),
    r"b_hat must have shape \[…, rank, out_features\]=\(2, 3, \*\)": lambda t: t.__setitem__(
        1, t[1][:, :-1]
    ),
    r"a must have shape .*=\(2, \*, 9\), got \(2, 4, 8\)": lambda t: t.__setitem__(
        2, t[2][..., 1:]
    ),
    "a must have shape": lambda t: t.__setitem__(2, t[2][:1]),
    r"b must have shape \[…, target_rank, out_features\]": lambda t: t.__setitem__(3, t[3][:, 1:]),
    "b_hat must be torch.float64 like a_hat": lambda t: t.__setitem__(1, t[1].float()),
    "a_hat must be torch.float32 or torch.bfloat16": lambda t: t.__setitem__(0, t[0].long()),
    "b must be on cpu": lambda t: t.__setitem__(3, t[3].to("meta")),
    r"a_hat must have no empty dimension, .* got shape \(0, 3, 9\)": lambda t: t.__setitem__(
        slice(None), [x[:0] for x in t]
    ),
    "a must not require grad.*a.detach()": lambda t: t[2].requires_grad_(),
    "b must not require grad": lambda t: t[3].requires_grad_(),
}


@pytest.mark.parametrize("message", BAD)
@pytest.mark.parametrize("loss", LOSSES)
def test_bad_input_is_named(loss, message):
    tensors = factors((2,), 3, 4, 9, 5)
    BAD[message](tensors)
    with pytest.raises(ArgumentError, match=message):
        LOSSES[loss](*tensors)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_bad_scale_or_implementation_is_named(loss, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    tensors = factors((2,), 3, 4, 9, 5)
    with pytest.raises(ArgumentError, match="scale must be a number, got Tensor"):
        LOSSES[loss](*tensors, scale=torch.ones(()))
    with pytest.raises(ArgumentError, match="impl must be one of"):
        LOSSES[loss](*tensors, impl="cuda")
    with pytest.raises(ArgumentError, match="impl='triton' needs tensors on a GPU, got cpu"):
        LOSSES[loss](*tensors, impl="triton")


def test_targets_may_require_grad_where_none_is_taken():
    tensors = [t.requires_grad_() for t in factors((2,), 3, 4, 9, 5)]
    with torch.no_grad():
        assert lowrank_l1(*tensors).isfinite() and lowrank_l2(*tensors).isfinite()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("loss", LOSSES)
def test_peak_memory_does_not_hold_the_difference(loss):
    """One entry of the difference is 64 MB here; all sixteen in fp64 would be 34 MB of factors."""
    tensors = factors((16,), 8, 8, 4096, 4096, torch.float32)
    with_grads(LOSSES[loss], factors((4,), 8, 8, 64, 64, torch.float32))
    gc.collect()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    leaves = [t.requires_grad_() for t in tensors[:2]]
    LOSSES[loss](*tensors).backward()
    assert _resident("VmHWM") - before < 32e6
    assert all(leaf.grad is not None for leaf in leaves)


def _resident(field: str) -> int:
    return 1024 * int(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0])
