"""Canaries: what the interpreter gets wrong, and we work around. One that sings no more may go."""

import pytest
import torch

triton = pytest.importorskip("triton")
tl = triton.language

pytestmark = pytest.mark.interpreted


@triton.jit
def _dot_kernel(left_ptr, right_ptr, out_ptr, UPCAST: tl.constexpr):
    at = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
    left, right = tl.load(left_ptr + at), tl.load(right_ptr + at)
    if UPCAST:
        left, right = left.to(tl.float32), right.to(tl.float32)
    tl.store(out_ptr + at, tl.dot(left, right))


def dot(upcast: bool) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    left, right = torch.randn(2, 16, 16).bfloat16()
    out = torch.zeros(16, 16)
    _dot_kernel[(1,)](left, right, out, UPCAST=upcast)
    return out, left.float() @ right.float()


def test_its_bf16_dot_is_wrong_so_kernels_upcast():
    out, truth = dot(upcast=False)
    assert (out - truth).abs().max() > 1, "bf16 dots are right now: UPCAST can go"


def test_upcast_operands_are_right():
    torch.testing.assert_close(*dot(upcast=True), rtol=1e-5, atol=1e-5)


def test_it_cuts_fp32_to_bf16_so_bf16_tests_are_lenient():
    value = torch.tensor([1.0 + 2**-8 + 2**-9] * 256)  # rounds up to 1 + 2^-7
    out = torch.zeros(256, dtype=torch.bfloat16)
    _cast_kernel[(1,)](value, out)
    assert float(out[0]) == 1.0, "fp32 is rounded to bf16 now: test_lora.close needs no factor 4"


@triton.jit
def _cast_kernel(value_ptr, out_ptr):
    at = tl.arange(0, 256)
    tl.store(out_ptr + at, tl.load(value_ptr + at).to(tl.bfloat16))
