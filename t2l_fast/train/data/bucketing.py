"""Rows of many lengths divided into micro-batches with little padding."""

from __future__ import annotations

from collections.abc import Sequence

from t2l_fast.train.data.batches import MicroBatch, Row
from t2l_fast.train.data.packing import collate, pack

OVERHEAD = 32
"""Cost of one more length of rows, in tokens; measured (DESIGN.md, "Little padding")."""


def packed(
    rows: Sequence[Row], pad: int, *, overhead: int = OVERHEAD, max_tokens: int = 2048
) -> list[MicroBatch]:
    """Sort rows by length and pack them; a row longer than `max_tokens` goes alone.

    Rows of one length share calls of attention, so rows of similar lengths are padded to one.

    Args:
        rows: of one step.
        pad: the token id of the padding.
        overhead: cost of one more length, in tokens; 0 = no padding.
        max_tokens: of one micro-batch, padding included.
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
    """Sort rows by length and pad them, where padding and micro-batches together cost least.

    Args:
        rows: of one step.
        pad: the token id of the padding.
        overhead: cost of one more micro-batch, in tokens.
        max_rows: of one micro-batch.
        max_tokens: of one micro-batch, padding included; a longer row goes alone.
    """
    return [collate(piece, pad) for piece in cut(rows, overhead, max_rows, max_tokens)]


def cut(
    rows: Sequence[Row], overhead: int, max_rows: int = 128, max_tokens: int | None = None
) -> list[list[Row]]:
    """Sort rows by length and cut them where padded tokens and overheads together are least.

    The cut is exact: dynamic programming over the sorted rows, O(n · `max_rows`) steps.

    Args:
        rows: in any order.
        overhead: cost of one more piece, in tokens.
        max_rows: of a piece.
        max_tokens: of a piece, padding included; a longer row is a piece of its own. None =
            no limit.

    Returns:
        Pieces of rows, shortest first.
    """
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
