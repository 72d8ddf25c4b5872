"""Cross-entropy a few rows at a time: no fp32 copy of all logits, nor of their gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_ELEMENTS = 1 << 20
"""Logits in one piece, so that they stay in a CPU's cache; a GPU takes sixteen times as many."""


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return −Σ q log softmax(logits), q = (1 − smoothing) · one-hot + smoothing / vocabulary.

    Args:
        logits: `[n, vocabulary]`; sums run in fp32 at least, the gradient has their dtype.
        labels: `[n]` int64.

    Returns:
        `[n]`, fp32 at least.
    """
    return _CrossEntropy.apply(logits, labels, smoothing)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        sums, means = [], []
        for part in _pieces(logits):
            sums.append(part.logsumexp(-1))
            means.append(part.mean(-1) if smoothing else torch.zeros_like(sums[-1]))
        lse, mean = torch.cat(sums), torch.cat(means)
        ctx.save_for_backward(logits, labels, lse)
        ctx.smoothing = smoothing
        own = logits.gather(1, labels[:, None])[:, 0].to(lse)
        return lse - (1.0 - smoothing) * own - smoothing * mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, labels, lse = ctx.saved_tensors
        d_logits = torch.empty_like(logits)
        start = 0
        for part in _pieces(logits):
            rows = slice(start, start + len(part))
            shares = (part - lse[rows, None]).exp_()
            if ctx.smoothing:
                shares -= ctx.smoothing / logits.shape[1]
            picked = shares.gather(1, labels[rows, None]) - (1.0 - ctx.smoothing)
            shares.scatter_(1, labels[rows, None], picked)
            d_logits[rows] = shares.mul_(grad[rows, None])
            start = rows.stop
        return d_logits, None, None


def _pieces(logits: Tensor) -> Iterator[Tensor]:
    limit = _ELEMENTS if logits.device.type == "cpu" else 16 * _ELEMENTS
    wide = torch.promote_types(logits.dtype, torch.float32)
    for part in logits.split(max(1, limit // logits.shape[1])):
        yield part.to(wide)
