"""Rows of token ids, and batches of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from t2l_fast.tasks import Example, Prompt

IGNORED = -100
"""Label of positions that carry no loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example as ids; `slot` says which adapter it runs, `number` which row of a step it is."""

    slot: int
    ids: tuple[int, ...]
    prompt_length: int
    number: int = 0


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
    """

    row_slots: Tensor
    ids: Tensor
    labels: Tensor
    rows: Tensor
    lengths: tuple[int, ...]
    numbers: tuple[int, ...]
    options: dict[str, Any]

    @property
    def slots(self) -> Tensor:
        """`[B', T]`: the adapter of each token, for `Adapters.use`."""
        return self.row_slots[self.rows]

    def to(self, device: torch.device) -> MicroBatch:
        """On the model's device."""
        options = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in self.options.items()}
        tensors = (t.to(device) for t in (self.row_slots, self.ids, self.labels, self.rows))
        return MicroBatch(*tensors, self.lengths, self.numbers, options)


class Collator:
    """Turns examples into rows, each text tokenised once, and rows into micro-batches.

    Args:
        packed: lay rows end to end (the model runs under `packed_attention`), or pad them.
        overhead: what one more padded micro-batch costs, in tokens.
        max_tokens: of a prompt, and of an answer; longer ones lose their beginning.
        device: of the micro-batches.
    """

    def __init__(
        self,
        prompt: Prompt,
        *,
        packed: bool = False,
        overhead: int = 32,
        max_tokens: int = 512,
        device: torch.device | str = "cpu",
    ) -> None:
        self.prompt, self.packed, self.overhead = prompt, packed, overhead
        self.max_tokens = max_tokens
        self.device = torch.device(device)
        self.pad: int = prompt.tokenizer.pad_token_id
        self._known: dict[tuple[str, str | None, str], tuple[tuple[int, ...], int]] = {}

    def row(self, slot: int, example: Example, description: str | None = None) -> Row:
        key = (example.input, description, example.output)
        if key not in self._known:
            start = self.prompt.ids(example.input, description)[-self.max_tokens :]
            ids = (*start, *self.prompt.answer_ids(example.output)[-self.max_tokens :])
            self._known[key] = ids, len(start)
        return Row(slot, *self._known[key])

    def batches(self, rows: Sequence[Row]) -> list[MicroBatch]:
        """All rows, sorted by length, in as few and as little padded micro-batches as pays."""
        made = packed(rows) if self.packed else bucketed(rows, self.pad, overhead=self.overhead)
        return [batch.to(self.device) for batch in made]


def tokens_by_slot(rows: Sequence[Row]) -> list[int]:
    """The tokens of all rows of each slot; every slot from 0 on has one."""
    counts = Counter[int]()
    for row in rows:
        counts[row.slot] += len(row.ids)
    return [counts[slot] for slot in range(len(counts))]


def rows_of(slots: Sequence[int], rows: Sequence[Row]) -> list[Row]:
    """The rows of some slots, which are numbered anew in this order."""
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


def pack(rows: Sequence[Row]) -> MicroBatch:
    """Lay rows end to end; positions and sequence lengths go to the model."""
    sizes, numbers = _about(rows)
    lengths = torch.tensor(sizes)
    starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]).int()
    positions = torch.cat([torch.arange(n) for n in lengths.tolist()])
    longest = int(lengths.max())
    return MicroBatch(
        row_slots=torch.tensor([row.slot for row in rows]),
        ids=torch.tensor([token for row in rows for token in row.ids])[None],
        labels=torch.cat([_labels(row) for row in rows])[None],
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
    )


def packed(rows: Sequence[Row], *, max_tokens: int = 2048) -> list[MicroBatch]:
    """Sort rows by length and pack them; a row longer than `max_tokens` goes alone."""
    pieces: list[list[Row]] = []
    room = 0
    for row in sorted(rows, key=lambda row: len(row.ids)):
        if len(row.ids) > room:
            pieces.append([])
            room = max_tokens
        pieces[-1].append(row)
        room -= len(row.ids)
    return [pack(piece) for piece in pieces]


def bucketed(
    rows: Sequence[Row], pad: int, *, overhead: int = 32, max_rows: int = 128
) -> list[MicroBatch]:
    """Sort rows by length and cut them where padded tokens and overheads together are least.

    Args:
        overhead: what one more micro-batch costs, in tokens.
        max_rows: of one micro-batch.
    """
    ordered = sorted(rows, key=lambda row: len(row.ids))
    costs, starts = [0], [0]  # of the best cut of the first `end` rows, and its last piece's start
    for end in range(1, len(ordered) + 1):
        width = len(ordered[end - 1].ids)
        cost, start = min(
            (costs[start] + (end - start) * width + overhead, start)
            for start in range(max(0, end - max_rows), end)
        )
        costs.append(cost)
        starts.append(start)
    pieces, end = [], len(ordered)
    while end:
        pieces.append(ordered[starts[end] : end])
        end = starts[end]
    return [collate(piece, pad) for piece in reversed(pieces)]


def _about(rows: Sequence[Row]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lengths and numbers of rows."""
    return tuple(len(row.ids) for row in rows), tuple(row.number for row in rows)


def _labels(row: Row) -> Tensor:
    """`[T]`: at each position the token that follows, if it belongs to the answer."""
    labels = torch.full((len(row.ids),), IGNORED)
    labels[row.prompt_length - 1 : -1] = torch.tensor(row.ids[row.prompt_length :])
    return labels
