"""Initialisations of trunks and task encoders."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from t2l_fast.errors import ArgumentError


@torch.no_grad()
def trunk_init(layers: Iterable[nn.Module], gain: float = math.sqrt(2.0)) -> None:
    """Start linears so that signals keep their size (He et al. 2015), biases at zero.

    torch's own start shrinks them, so that the trunk is nearly linear and what is special to one
    task in one layer nearly vanishes.
    """
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.in_features))
            nn.init.zeros_(layer.bias)


@torch.no_grad()
def discriminant_init(linear: nn.Linear, embeddings: Tensor, tasks: Tensor) -> None:
    """Start the task encoder where tasks differ most and wordings of one task differ least.

    Fisher's linear discriminants of the training descriptions, each scaled to unit variance. The
    plain initialisation sees mostly what all descriptions share, and learns the rest slowly. Where
    every task has one description, wordings are taken to differ alike in all directions: the
    discriminants are the principal components.

    Args:
        embeddings: `[D, d_e]`, of training descriptions.
        tasks: `[D]` integers, the task of each.

    Raises:
        ArgumentError: fewer than two tasks, not one per embedding, or all embeddings are equal.
    """
    count = int(tasks.max()) + 1 if tasks.numel() else 0
    if tasks.unique().numel() < 2 or tasks.shape != embeddings.shape[:1]:
        raise ArgumentError(
            f"discriminants need one task for each of {len(embeddings)} embeddings and at least "
            f"two tasks, got {tuple(tasks.shape)} and {tasks.unique().numel()}"
        )
    x = embeddings.double()
    mean = x.mean(0)
    sums = torch.zeros(count, x.shape[1], dtype=x.dtype).index_add_(0, tasks, x - mean)
    sizes = torch.bincount(tasks, minlength=count).clamp(min=1)[:, None]
    centres = sums / sizes
    inside = (x - mean) - centres[tasks]
    within = inside.T @ inside / len(x)
    between = centres.T @ (centres * sizes) / len(x)
    apart = between.diagonal().mean()
    if not apart > 0:
        raise ArgumentError(
            "discriminants need tasks whose embeddings differ, got the same mean for all of "
            f"{count}: give tasks descriptions of their own, or start plain"
        )
    # one description a task has no spread: any positive ridge gives the same directions then
    spread = torch.maximum(within.diagonal().mean(), 1e-9 * apart)
    ridge = 0.1 * spread * torch.eye(len(mean), dtype=x.dtype)
    whiten = torch.linalg.inv(torch.linalg.cholesky(within + ridge))
    values, vectors = torch.linalg.eigh(whiten @ between @ whiten.T)
    wide = min(linear.out_features, len(mean), count - 1)  # no more directions tell tasks apart
    directions = vectors.flip(1)[:, :wide].T @ whiten
    directions /= ((x - mean) @ directions.T).std(0).clamp(min=1e-6)[:, None]
    linear.weight[:wide] = directions.to(linear.weight)
    linear.bias[:wide] = -(directions @ mean).to(linear.bias)
