"""Rows of token ids, and the micro-batches that hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

IGNORED = -100
"""Label of positions that carry no loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example as token ids.

    Fields:
        slot: the adapter that it runs.
        ids: T token ids, the prompt first.
        prompt_length: tokens of the prompt; those behind it carry loss.
        number: its place among the rows of a step.
        learned: T entries that mark the tokens with loss instead, or None.
    """

    slot: int
    ids: tuple[int, ...]
    prompt_length: int
    number: int = 0
    learned: tuple[bool, ...] | None = None


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Rows for one forward pass: padded on the right, or packed end to end (B' = 1).

    Fields:
        row_slots: `[B]` int64, the adapter of each row.
        ids: `[B', T]` int64.
        labels: `[B', T]` int64, shifted: the label of position t is token t + 1, or −100.
        rows: `[B', T]` int64, which row a position belongs to.
        lengths: B of them, the tokens of each row.
        numbers: B of them, which rows of the step these are.
        options: what else the model is given.
        widths: of packed rows, the tokens of each with its padding.
    """

    row_slots: Tensor
    ids: Tensor
    labels: Tensor
    rows: Tensor
    lengths: tuple[int, ...]
    numbers: tuple[int, ...]
    options: dict[str, Any]
    widths: tuple[int, ...] = ()

    @property
    def slots(self) -> Tensor:
        """`[B', T]` int64, the adapter of each token, for `Adapters.use`."""
        return self.row_slots[self.rows]

    def to(self, device: torch.device) -> MicroBatch:
        """Copy to a device, without waiting where this is in pinned memory."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=tensor.is_pinned()))

    def pin(self) -> MicroBatch:
        """Copy to page-locked memory, from which a GPU copies asynchronously."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> MicroBatch:
        options = {k: change(v) if isinstance(v, Tensor) else v for k, v in self.options.items()}
        return replace(
            self,
            row_slots=change(self.row_slots),
            ids=change(self.ids),
            labels=change(self.labels),
            rows=change(self.rows),
            options=options,
        )


def tokens_by_slot(rows: Sequence[Row]) -> list[int]:
    """Return the number of tokens of each slot, S of them; every slot from 0 to S − 1 has a row."""
    counts = Counter[int]()
    for row in rows:
        counts[row.slot] += len(row.ids)
    return [counts[slot] for slot in range(len(counts))]


def rows_of(slots: Sequence[int], rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the listed slots; a slot becomes its place in the list."""
    places = {slot: place for place, slot in enumerate(slots)}
    return [replace(row, slot=places[row.slot]) for row in rows if row.slot in places]
