"""NEFTune: noise on the base model's input embeddings while training (Jain et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.train.data.batches import MicroBatch


@contextmanager
def noisy_embeddings(
    model: nn.Module, batch: MicroBatch, alpha: float, seed: int = 0
) -> Iterator[None]:
    """Add U(−1, 1) · alpha / √(L · d) to embeddings, L the tokens of their own row.

    A row's noise depends on the seed and its number alone, not on the rows that it shares a batch
    with; padding gets none.

    Args:
        alpha: 0 = no noise.
        seed: of the step.
    """
    if alpha == 0.0:
        yield
        return

    def add_noise(module: nn.Module, args: Any, embedded: Tensor) -> Tensor:
        return embedded + _noise(embedded, batch, alpha, seed)

    embeddings: nn.Module = model.get_input_embeddings()  # pyright: ignore[reportCallIssue]
    handle = embeddings.register_forward_hook(add_noise)
    try:
        yield
    finally:
        handle.remove()


def _noise(like: Tensor, batch: MicroBatch, alpha: float, seed: int) -> Tensor:
    """`[B', T, d]`."""
    noisy = torch.zeros_like(like)
    generator = torch.Generator(like.device)
    packed = bool(batch.widths)
    starts = accumulate(batch.widths, initial=0) if packed else [0] * len(batch.lengths)
    for i, (start, length) in enumerate(zip(starts, batch.lengths, strict=False)):
        bound = alpha / (length * like.shape[-1]) ** 0.5
        row = noisy[0 if packed else i, start : start + length]
        row.uniform_(-bound, bound, generator=generator.manual_seed(seed + batch.numbers[i]))
    return noisy
