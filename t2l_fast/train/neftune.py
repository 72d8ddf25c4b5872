"""NEFTune: noise on the base model's input embeddings while training (Jain et al. 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.train.data import IGNORED, MicroBatch


@contextmanager
def noisy_embeddings(model: nn.Module, batch: MicroBatch, alpha: float) -> Iterator[None]:
    """Inside, embeddings get U(−1, 1) · alpha / √(L · d), L the tokens of their own row.

    Drawn from torch's random state, which checkpoints keep; padding counts for nothing.

    Args:
        alpha: 0 = no noise.
    """
    if alpha == 0.0:
        yield
        return
    sizes = torch.bincount(batch.rows.flatten(), minlength=len(batch.row_slots))
    if batch.rows.shape[0] > 1:  # padded: what follows the last label is padding
        sizes = _real_tokens(batch)
    lengths = sizes[batch.rows]  # [B', T]

    def add_noise(module: nn.Module, args: Any, embedded: Tensor) -> Tensor:
        bound = alpha / (lengths * embedded.shape[-1]).sqrt().to(embedded.dtype)
        noise = torch.empty_like(embedded).uniform_(-1.0, 1.0)
        return embedded + noise * bound[..., None]

    handle = model.get_input_embeddings().register_forward_hook(add_noise)
    try:
        yield
    finally:
        handle.remove()


def _real_tokens(batch: MicroBatch) -> Tensor:
    """Tokens of each padded row: labels are shifted, so the last one stands before the last."""
    places = torch.arange(batch.labels.shape[1], device=batch.labels.device)
    last = torch.where(batch.labels != IGNORED, places, -1).amax(1)
    return last + 2
