"""Adapters of many tasks trained in one batch, each as if it were alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters, LoraBatch
from t2l_fast.tasks import Task
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.equal_counts import with_equal_counts
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.losses import answer_loss, label_logits
from t2l_fast.train.oracles.config import OracleConfig


@dataclass(frozen=True, slots=True)
class TrainedGroup:
    """Adapters that were trained together.

    Fields:
        adapters: detached, on the device of the model.
        loss: the mean over rows in the last step.
    """

    adapters: LoraBatch
    loss: float


def train_oracles(
    start: LoraBatch,
    model: nn.Module,
    adapters: Adapters,
    collator: Collator,
    tasks: Sequence[Task],
    config: OracleConfig,
    *,
    processes: Processes | None = None,
) -> Iterator[TrainedGroup]:
    """Train an adapter for every task, each as if it were trained alone, a group at a time.

    Every step is one batch through the model; gradients and optimiser work element by element, so
    that tasks don't meet. Examples are drawn by (seed, task name), whatever the group.

    Args:
        start: one adapter, where all start.
        processes: among which tasks are divided; each gets all adapters.

    Yields:
        `tasks_at_once` adapters of each process (fewer in the end), detached.
    """
    processes = processes or Processes()
    start = start.to(collator.device)
    size = config.tasks_at_once * processes.count
    for first in range(0, len(tasks), size):
        together = tasks[first : first + size]
        group, own = processes.chunk(together)
        lora_a, lora_b = (
            {m: t.detach().repeat(1, len(group), 1, 1).requires_grad_() for m, t in part.items()}
            for part in (start.lora_a, start.lora_b)
        )
        batch = LoraBatch(start.config, lora_a, lora_b, start.paths)
        optimizer = torch.optim.AdamW(
            batch.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )
        draws = [random.Random(f"{config.seed}/oracle/{task.name}") for task in group]
        loss, count = 0.0, 0
        for _ in range(config.steps):
            rows = [
                collator.row(slot, example)
                for slot, (task, rng) in enumerate(zip(group, draws, strict=True))
                for example in rng.sample(task.train, min(config.examples, len(task.train)))
            ]
            loss, count = 0.0, len(rows)
            for micro, counts in with_equal_counts(collator.batches(rows), model, processes):
                with adapters.use(micro.slots, weights=batch):
                    logits, labels = label_logits(model, micro)
                    part = counts * answer_loss(logits, micro, labels, config.label_smoothing)
                    part.backward()
                loss += part.item()
            optimizer.step()
            optimizer.zero_grad()
        loss, count = processes.totals(own * loss, own * count)
        yield TrainedGroup(_whole(batch, len(together), processes), loss / max(1, count))


def _whole(batch: LoraBatch, count: int, processes: Processes) -> LoraBatch:
    """Return the adapters of all processes, detached, on the device of each."""
    if processes.count == 1:
        return _mapped(batch, Tensor.detach)
    device = batch.parameters()[0].device
    whole = concatenated(processes.gather(_mapped(batch, Tensor.detach).to("cpu")))
    return _mapped(whole, lambda t: t[:, :count]).to(device)


def _mapped(batch: LoraBatch, change: Callable[[Tensor], Tensor]) -> LoraBatch:
    lora_a, lora_b = (
        {m: change(t) for m, t in part.items()} for part in (batch.lora_a, batch.lora_b)
    )
    return LoraBatch(batch.config, lora_a, lora_b, batch.paths)


def concatenated(parts: Sequence[LoraBatch]) -> LoraBatch:
    """Return all adapters of several batches of one config."""
    first = parts[0]
    return LoraBatch(
        first.config,
        {m: torch.cat([p.lora_a[m] for p in parts], 1) for m in first.lora_a},
        {m: torch.cat([p.lora_b[m] for p in parts], 1) for m in first.lora_b},
        first.paths,
    )
