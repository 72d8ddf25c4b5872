"""A warm start: short-trained adapters of every task, and the generator fitted to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters, LoraBatch
from t2l_fast.generators import TextToLora
from t2l_fast.tasks import Task
from t2l_fast.train.config import WarmStartConfig
from t2l_fast.train.data import Collator
from t2l_fast.train.losses import answer_loss, label_logits
from t2l_fast.train.whiten import WhitenedHeads

Progress = Callable[[str, int, int, float], None]
"""Called with what is done, how far, of how many, and the loss."""


def train_oracles(
    generator: TextToLora,
    model: nn.Module,
    adapters: Adapters,
    collator: Collator,
    tasks: Sequence[Task],
    config: WarmStartConfig,
    *,
    seed: int,
    on_step: Progress | None = None,
) -> LoraBatch:
    """An adapter for every task, each trained alone, many at once in one batch.

    All start where the new generator starts, and few steps keep them close to each other, so that
    a function of the description can follow.

    Returns:
        N adapters of the generator's config, detached.
    """
    made: list[LoraBatch] = []
    for first in range(0, len(tasks), config.tasks_at_once):
        group = tasks[first : first + config.tasks_at_once]
        start = generator.generate(codes=torch.zeros(len(group), *generator.code_shape))
        batch = LoraBatch(
            start.config,
            {m: t.clone().requires_grad_() for m, t in start.lora_a.items()},
            {m: t.clone().requires_grad_() for m, t in start.lora_b.items()},
        )
        optimizer = torch.optim.AdamW(
            batch.parameters(), lr=config.learning_rate, betas=(0.8, 0.95), weight_decay=0.0
        )
        draws = [random.Random(f"{seed}/oracle/{task.name}") for task in group]
        loss = 0.0
        for _ in range(config.steps):
            rows = [
                collator.row(slot, example)
                for slot, (task, rng) in enumerate(zip(group, draws, strict=True))
                for example in rng.sample(task.train, min(config.examples, len(task.train)))
            ]
            loss = 0.0
            for micro in collator.batches(rows):
                with adapters.use(micro.slots, weights=batch):
                    logits, labels = label_logits(model, micro)
                    part = answer_loss(logits, micro, labels, 0.0)
                    part.backward()
                loss += part.item() / len(rows)
            optimizer.step()
            optimizer.zero_grad()
        made.append(batch)
        if on_step is not None:
            on_step("oracles", first + len(group), len(tasks), loss)
    return LoraBatch(
        generator.config.lora,
        {m: torch.cat([b.lora_a[m].detach() for b in made], 1) for m in made[0].lora_a},
        {m: torch.cat([b.lora_b[m].detach() for b in made], 1) for m in made[0].lora_b},
    )


def fit(
    generator: TextToLora,
    whitened: WhitenedHeads,
    optimizer: torch.optim.Optimizer,
    embeddings: Sequence[Tensor],
    oracles: LoraBatch,
    config: WarmStartConfig,
    *,
    seed: int,
    on_step: Progress | None = None,
) -> None:
    """Fit the generator to the oracles: heads (of L) by least squares, then all of it by gradients.

    Args:
        embeddings: of every task's training descriptions, `[D, d_e]` each.
        optimizer: over the trunk and the whitened heads.
    """
    rng = random.Random(f"{seed}/fit")
    targets = oracles.parameters()
    scales = [1.0 / (t - t.mean(1, keepdim=True)).square().mean().clamp(min=1e-12) for t in targets]
    if generator.config.arch == "L":
        whitened.least_squares(embeddings, oracles)
    generator.train()
    for step in range(config.fit_steps):
        chosen = rng.sample(range(len(embeddings)), min(config.fit_tasks, len(embeddings)))
        codes = torch.stack([rng.choice(list(embeddings[i])) for i in chosen])
        batch = generator(codes)
        index = torch.tensor(chosen)
        pairs = zip(batch.parameters(), targets, scales, strict=True)
        loss = torch.stack([s * (p - t[:, index]).square().mean() for p, t, s in pairs]).mean()
        loss.backward()
        whitened.pull_gradients()
        for group in optimizer.param_groups:
            group["lr"] = config.fit_learning_rate * (1.0 - step / config.fit_steps)
        optimizer.step()
        whitened.push_values()
        optimizer.zero_grad()
        generator.zero_grad()
        if on_step is not None and (step + 1) % 20 == 0:
            on_step("fit", step + 1, config.fit_steps, loss.item())
