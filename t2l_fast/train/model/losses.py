"""Losses over label positions alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import UnsupportedModel
from t2l_fast.train.data.batches import IGNORED, MicroBatch
from t2l_fast.train.model.cross_entropy import cross_entropy
from t2l_fast.train.model.packed_attention import packed_by_us


def label_logits(model: nn.Module, batch: MicroBatch) -> tuple[Tensor, Tensor]:
    """Run the model, and its output head at label positions only.

    Returns:
        Logits `[labels, vocabulary]` in the model's dtype, and the labels `[labels]`.
    """
    picked, options = batch.labels != IGNORED, batch.options
    if packed_by_us(model):
        options = options | {"row_widths": batch.widths}
    with _only(model, picked):
        logits = model(input_ids=batch.ids, use_cache=False, **options).logits
    return logits, batch.labels[picked]


def answer_loss(logits: Tensor, batch: MicroBatch, labels: Tensor, smoothing: float) -> Tensor:
    """Sum over rows of the mean cross-entropy of each row's answer (T2L's released trainer)."""
    rows = batch.rows[batch.labels != IGNORED]
    weights = 1.0 / rows.bincount()[rows]
    losses = cross_entropy(logits, labels, smoothing)
    # no matmul: under autocast it would be one of 16 bits
    return (losses * weights.to(losses)).sum()


def generated_l2(batch: LoraBatch) -> Tensor:
    """Return Σ_modules mean(A²) + mean(B²)."""
    return torch.stack([t.square().mean() for t in batch.parameters()]).sum()


@torch.no_grad()
def exact_matches(model: nn.Module, batch: MicroBatch) -> Tensor:
    """Return for each row `[B]` whether every label is the likeliest token."""
    logits, labels = label_logits(model, batch)
    wrong = logits.argmax(-1) != labels
    rows = batch.rows[batch.labels != IGNORED]
    return rows.bincount(wrong, minlength=len(batch.row_slots)) == 0


@contextmanager
def _only(model: Any, picked: Tensor) -> Iterator[None]:
    """Let the output head see picked positions `[B, T]` only; what follows it stays the model's."""
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is None or getattr(model.config, "is_encoder_decoder", False):
        raise UnsupportedModel(
            f"training needs a causal LM with an output head, got {type(model).__name__}"
        )
    handle = head.register_forward_pre_hook(lambda module, args: (args[0][picked],))
    try:
        yield
    finally:
        handle.remove()
