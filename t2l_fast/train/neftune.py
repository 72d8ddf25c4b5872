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
    lengths = _real_tokens(batch)[batch.rows]  # [B', T]

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
    """`[B]`: what follows a row's last label is padding; labels are shifted, so one token more."""
    width = torch.arange(batch.rows.shape[1], device=batch.rows.device)
    places = batch.options.get("position_ids", width).expand_as(batch.rows)
    labelled = torch.where(batch.labels != IGNORED, places, -1).flatten()
    last = places.new_full((len(batch.row_slots),), -1)
    return last.scatter_reduce_(0, batch.rows.flatten(), labelled, "amax") + 2
