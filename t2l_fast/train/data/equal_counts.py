"""Equally many micro-batches for every process of a sharded model."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from t2l_fast.train.data.batches import MicroBatch
from t2l_fast.train.distributed.fsdp import is_sharded
from t2l_fast.train.distributed.processes import Processes


def with_equal_counts(
    batches: Sequence[MicroBatch], model: nn.Module, processes: Processes
) -> list[tuple[MicroBatch, bool]]:
    """Return micro-batches, and whether they count.

    Processes gather a sharded model's layers together, so each must run it equally often: who has
    fewer micro-batches runs its smallest one again for nothing.
    """
    counted = [(batch, True) for batch in batches]
    if is_sharded(model):
        smallest = min(batches, key=lambda batch: batch.ids.numel())
        counted += [(smallest, False)] * (processes.largest(len(batches)) - len(batches))
    return counted
