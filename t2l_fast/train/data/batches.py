"""Rows of token ids, and the batches that they go through the model in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

OVERHEAD = 32
"""What one more length of rows costs, in tokens; measured (DESIGN.md, "Little padding")."""
IGNORED = -100
"""Label of positions that carry no loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example as ids; `slot` says which adapter it runs, `number` which row of a step it is.

    Tokens behind the prompt carry loss, or those that `learned` marks, one entry for each id.
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
        """`[B', T]`: the adapter of each token, for `Adapters.use`."""
        return self.row_slots[self.rows]

    def to(self, device: torch.device) -> MicroBatch:
        """Copy to the model's device; without waiting, if this is in pinned memory."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=tensor.is_pinned()))

    def pin(self) -> MicroBatch:
        """Copy to memory that a GPU copies from by itself."""
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
    """Return the tokens of all rows of each slot; every slot from 0 on has a row."""
    counts = Counter[int]()
    for row in rows:
        counts[row.slot] += len(row.ids)
    return [counts[slot] for slot in range(len(counts))]


def rows_of(slots: Sequence[int], rows: Sequence[Row]) -> list[Row]:
    """Return the rows of some slots, which are numbered anew in this order."""
    places = {slot: place for place, slot in enumerate(slots)}
    return [replace(row, slot=places[row.slot]) for row in rows if row.slot in places]


def collate(rows: Sequence[Row], pad: int) -> MicroBatch:
    """Pad on the right: a causal model's answers don't see it, so it needs no mask."""
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), IGNORED)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        labels[i, : len(row.ids)] = _labels(row)
    owners = torch.arange(len(rows))[:, None].expand_as(ids)
    slots = torch.tensor([row.slot for row in rows])
    return MicroBatch(slots, ids, labels, owners, *_about(rows), {})


def pack(rows: Sequence[Row], widths: Sequence[int] | None = None, pad: int = 0) -> MicroBatch:
    """Lay rows end to end; positions and sequence lengths go to the model.

    Args:
        widths: how long each row becomes, padded at its end; None = as long as it is.
    """
    sizes, numbers = _about(rows)
    widths = tuple(widths or sizes)
    lengths = torch.tensor(widths)
    starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]).int()
    positions = torch.cat([torch.arange(n) for n in widths])
    ids = torch.full((len(positions),), pad)
    labels = torch.full_like(ids, IGNORED)
    for row, start in zip(rows, starts.tolist(), strict=False):
        ids[start : start + len(row.ids)] = torch.tensor(row.ids)
        labels[start : start + len(row.ids)] = _labels(row)
    longest = max(widths)
    return MicroBatch(
        row_slots=torch.tensor([row.slot for row in rows]),
        ids=ids[None],
        labels=labels[None],
        rows=torch.arange(len(rows)).repeat_interleave(lengths)[None],
        lengths=sizes,
        numbers=numbers,
        options={
            "position_ids": positions[None],
            "cu_seq_lens_q": starts,
            "cu_seq_lens_k": starts,
            "max_length_q": longest,
            "max_length_k": longest,
        },
        widths=widths,
    )


def packed(
    rows: Sequence[Row], pad: int, *, overhead: int = OVERHEAD, max_tokens: int = 2048
) -> list[MicroBatch]:
    """Sort rows by length and pack them; a row longer than `max_tokens` goes alone.

    Rows of one length share their calls, so rows of about one length are padded to it.

    Args:
        overhead: what one more length costs, in tokens; 0 = no padding.
    """
    packs: list[list[tuple[Row, int]]] = []
    room = 0
    for piece in cut(rows, overhead):
        width = len(piece[-1].ids)
        for row in piece:
            if width > room:
                packs.append([])
                room = max_tokens
            packs[-1].append((row, width))
            room -= width
    return [pack([r for r, _ in members], [w for _, w in members], pad) for members in packs]


def bucketed(
    rows: Sequence[Row],
    pad: int,
    *,
    overhead: int = OVERHEAD,
    max_rows: int = 128,
    max_tokens: int = 2048,
) -> list[MicroBatch]:
    """Sort rows by length and pad them, in as few and as little padded batches as pays.

    Args:
        overhead: what one more micro-batch costs, in tokens.
        max_rows: of one micro-batch.
        max_tokens: of one micro-batch, padding included; a longer row goes alone.
    """
    return [collate(piece, pad) for piece in cut(rows, overhead, max_rows, max_tokens)]


def cut(
    rows: Sequence[Row], overhead: int, max_rows: int = 128, max_tokens: int | None = None
) -> list[list[Row]]:
    """Sort rows by length and cut them where padded tokens and overheads together are least."""
    ordered = sorted(rows, key=lambda row: len(row.ids))
    costs, starts = [0], [0]  # of the best cut of the first `end` rows, and its last piece's start
    for end in range(1, len(ordered) + 1):
        width = len(ordered[end - 1].ids)
        most = max_rows if max_tokens is None else min(max_rows, max(1, max_tokens // width))
        cost, start = min(
            (costs[start] + (end - start) * width + overhead, start)
            for start in range(max(0, end - most), end)
        )
        costs.append(cost)
        starts.append(start)
    pieces, end = [], len(ordered)
    while end:
        pieces.append(ordered[starts[end] : end])
        end = starts[end]
    return pieces[::-1]


def _about(rows: Sequence[Row]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lengths and numbers of rows."""
    return tuple(len(row.ids) for row in rows), tuple(row.number for row in rows)


def _labels(row: Row) -> Tensor:
    """`[T]`: at each position the token that follows, if it belongs to the answer."""
    labels = torch.full((len(row.ids),), IGNORED)
    if row.learned is not None:
        following = torch.tensor(row.ids[1:])
        labels[:-1] = following.where(torch.tensor(row.learned[1:]), IGNORED)
        return labels
    labels[row.prompt_length - 1 : -1] = torch.tensor(row.ids[row.prompt_length :])
    return labels
