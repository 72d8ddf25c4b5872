"""Rows of token ids, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.tasks import Example, Prompt

IGNORED = -100
"""Label of positions that carry no loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example as ids; `slot` says which adapter of the step it runs."""

    slot: int
    ids: tuple[int, ...]
    prompt_length: int


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Right-padded rows of about the same length.

    Fields:
        slots: `[B]` int64.
        ids: `[B, T]` int64.
        labels: `[B, T]` int64, shifted: the label of position t is token t + 1, or −100.
    """

    slots: Tensor
    ids: Tensor
    labels: Tensor


class Encoder:
    """Turns examples into rows, each text tokenised once."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.pad: int = prompt.tokenizer.pad_token_id
        self._known: dict[tuple[str, str | None, str], tuple[tuple[int, ...], int]] = {}

    def row(self, slot: int, example: Example, description: str | None = None) -> Row:
        key = (example.input, description, example.output)
        if key not in self._known:
            start = self.prompt.ids(example.input, description)
            ids = (*start, *self.prompt.answer_ids(example.output))
            self._known[key] = ids, len(start)
        return Row(slot, *self._known[key])


def collate(rows: Sequence[Row], pad: int) -> MicroBatch:
    """Pad on the right: a causal model's answers don't see it, so it needs no mask."""
    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), IGNORED)
    for i, row in enumerate(rows):
        tokens = torch.tensor(row.ids)
        ids[i, : len(tokens)] = tokens
        labels[i, row.prompt_length - 1 : len(tokens) - 1] = tokens[row.prompt_length :]
    return MicroBatch(torch.tensor([row.slot for row in rows]), ids, labels)


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
