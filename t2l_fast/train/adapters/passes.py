"""Passes of many jobs through the model: one for training, one for measuring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters, LoraWeights, MixedBatch
from t2l_fast.attention import flash, packable
from t2l_fast.train.data.batches import IGNORED, MicroBatch, Row
from t2l_fast.train.data.bucketing import OVERHEAD, bucketed, packed
from t2l_fast.train.model.cross_entropy import cross_entropy
from t2l_fast.train.model.losses import label_logits
from t2l_fast.train.run.clock import StepClock


class Passes:
    """Runs rows of many jobs through one frozen base model.

    Rows lie end to end where the model allows it, else they are padded; see `train/data`.

    Args:
        model: the base model, with `adapters` attached to it.
        pad: id of padding.
        max_tokens: of one pass, padding included.
    """

    def __init__(self, model: Any, adapters: Adapters, pad: int, max_tokens: int) -> None:
        self.model: nn.Module = model
        self.adapters = adapters
        self.device = next(model.parameters()).device
        self._pad, self._max_tokens = pad, max_tokens
        self._packed = packable(model)
        self._overhead = 0 if self._packed and flash(model) else OVERHEAD

    def train(
        self, weights: Sequence[LoraWeights], rows: Sequence[Row], clock: StepClock
    ) -> tuple[MixedBatch, Tensor]:
        """Run forward and backward of one step of every job.

        The loss of a job is the mean over the tokens that its own rows learn.

        Args:
            weights: of N jobs.
            rows: of all of them; `slot` says whose.

        Returns:
            The batch, which holds the gradients, and the losses `[N]` on the CPU.
        """
        batch = MixedBatch.stack(weights, self.adapters.sites, dropout=True)
        batches = list(self._batches(rows))
        counts = self._counts(rows, len(weights))
        totals = torch.zeros(len(weights), dtype=torch.float64, device=self.device)
        clock.mark("data")
        for micro in batches:
            with self.adapters.use(micro.slots, weights=batch):
                losses, slots = self._losses(micro)
                shares = losses / counts[slots].to(losses)
                clock.mark("forward")
                shares.sum().backward()
                clock.mark("backward")
            totals.index_add_(0, slots, shares.detach().double())
        return batch, totals.cpu()

    @torch.no_grad()
    def measure(self, weights: Sequence[LoraWeights], rows: Sequence[Row]) -> list[float]:
        """Return the mean loss of every job's learned tokens, without dropout.

        Args:
            weights: of N jobs.
            rows: of all of them; each has at least one.
        """
        batch = MixedBatch.stack(weights, self.adapters.sites)
        totals = torch.zeros(len(weights), dtype=torch.float64, device=self.device)
        for micro in self._batches(rows):
            with self.adapters.use(micro.slots, weights=batch):
                losses, slots = self._losses(micro)
            totals.index_add_(0, slots, losses.double())
        return (totals / self._counts(rows, len(weights))).tolist()

    def _batches(self, rows: Sequence[Row]) -> Iterator[MicroBatch]:
        cut = packed if self._packed else bucketed
        for batch in cut(rows, self._pad, overhead=self._overhead, max_tokens=self._max_tokens):
            yield (batch.pin() if self.device.type == "cuda" else batch).to(self.device)

    def _counts(self, rows: Sequence[Row], jobs: int) -> Tensor:
        """Return the learned tokens of every job, `[N]`; the first token of a row is not learned.

        A job without any counts one, so that its loss is 0.
        """
        counts = [0] * jobs
        for row in rows:
            counts[row.slot] += sum((row.learned or ())[1:])
        return torch.tensor(counts, device=self.device).clamp(min=1)

    def _losses(self, micro: MicroBatch) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy of every learned token, and its slot."""
        logits, labels = label_logits(self.model, micro)
        return cross_entropy(logits, labels), micro.slots[micro.labels != IGNORED]
