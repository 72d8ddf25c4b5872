"""The reconstruction losses at Mistral's size: peak memory, and time beside the dense loss."""

import ctypes
import gc
from pathlib import Path

import pytest
import torch

from benchmarks.ops.bench_multi_lora import forget_peak, peak_bytes
from t2l_fast.ops import lowrank_l1, lowrank_l2

LOSSES = {"L1": lowrank_l1, "L2": lowrank_l2}


def adapters(*batch: int, rank: int = 8, width: int = 4096) -> list[torch.Tensor]:
    """Draw predicted A and B (with gradients), then the targets."""
    torch.manual_seed(0)
    tensors = [torch.randn(*batch, rank, width) / 8 for _ in range(4)]
    return [t.requires_grad_() for t in tensors[:2]] + tensors[2:]


def dense(name: str, a_hat, b_hat, a, b) -> torch.Tensor:
    """Compute the loss from the whole `[out, in]` difference."""
    difference = b_hat.mT @ a_hat - b.mT @ a
    return difference.abs().mean() if name == "L1" else difference.square().mean()


def release() -> None:
    """Return freed memory to the system, so that it does not hide a peak."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # else freed heap would hide the peak


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", LOSSES)
def test_peak_memory_of_loss_and_gradients(name, paired):
    tensors = adapters(32, 4)
    LOSSES[name](*adapters(1)).backward()
    release()
    before = forget_peak()
    paired.once(lambda: LOSSES[name](*tensors).backward())
    extra = (peak_bytes() - before) / 1e6
    paired.add(
        f"reconstruction loss {name}, extra peak memory, gradients (34 MB) included",
        "32 layers × 4 tasks, q_proj of Mistral, r 8",
        "≤ 64 MB",
        f"{extra:.0f} MB (the difference itself would be 8590 MB)",
        megabytes=extra,
    )


@pytest.mark.parametrize("name", LOSSES)
def test_time_beside_the_dense_loss(name, paired):
    small = [t.double() for t in adapters(3, rank=5, width=45)]
    torch.testing.assert_close(LOSSES[name](*small), dense(name, *small), rtol=1e-9, atol=0)
    tensors = adapters(4)
    variants = {
        "tiles": lambda: LOSSES[name](*tensors).backward(),
        "dense": lambda: dense(name, *tensors).backward(),
    }
    times = paired.milliseconds(variants, rounds=5)
    paired.add(
        f"reconstruction loss {name} and gradients beside the dense loss",
        "4 products of [4096, 4096], r 8",
        "—",
        f"{times['dense'] / times['tiles']:.1f}× faster "
        f"({times['tiles']:.0f} and {times['dense']:.0f} ms)",
        **times,
    )
