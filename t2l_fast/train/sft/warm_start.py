"""A warm start's second half: the generator fitted to briefly trained adapters of every task."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import Generator
from t2l_fast.train.sft.config import WarmStartConfig
from t2l_fast.train.sft.whiten import WhitenedHeads

Progress = Callable[[str, int, int, float], None]
"""Called with what is done, how far, of how many, and the loss."""


def fit(
    generator: Generator,
    whitened: WhitenedHeads,
    optimizer: torch.optim.Optimizer,
    embeddings: Sequence[Tensor],
    oracles: LoraBatch,
    config: WarmStartConfig,
    *,
    seed: int,
    on_step: Progress | None = None,
) -> None:
    """Fit the generator to the oracles: heads by least squares, then all of it by gradients.

    Args:
        embeddings: of every task's training descriptions, `[D, d_e]` each.
        optimizer: over the trunk and the whitened heads.
    """
    rng = random.Random(f"{seed}/fit")
    targets = [t.to(generator.anchor.device) for t in oracles.parameters()]
    scales = [1.0 / (t - t.mean(1, keepdim=True)).square().mean().clamp(min=1e-12) for t in targets]
    whitened.least_squares(embeddings, oracles)
    generator.train()
    for step in range(config.fit_steps):
        chosen = rng.sample(range(len(embeddings)), min(config.fit_tasks, len(embeddings)))
        codes = torch.stack([rng.choice(list(embeddings[i])) for i in chosen])
        batch = generator(codes)
        index = torch.tensor(chosen)
        pairs = zip(batch.parameters(), targets, scales, strict=True)
        loss = torch.stack([s * (p - t[:, index]).square().mean() for p, t, s in pairs]).mean()
        sum(generator.auxiliary_losses().values(), loss).backward()
        whitened.pull_gradients()
        for group in optimizer.param_groups:
            group["lr"] = config.fit_learning_rate * (1.0 - step / config.fit_steps)
        optimizer.step()
        whitened.push_values()
        optimizer.zero_grad()
        generator.zero_grad()
        if on_step is not None and (step + 1) % 20 == 0:
            on_step("fit", step + 1, config.fit_steps, loss.item())
