"""One micro-batch of rows: padded on the right, or packed end to end."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from t2l_fast.train.data.batches import IGNORED, MicroBatch, Row


def collate(rows: Sequence[Row], pad: int) -> MicroBatch:
    """Pad rows on the right to the longest.

    A causal model's tokens don't see what follows, so the padding needs no mask.

    Args:
        rows: B of them, at least one.
        pad: the token id of the padding.

    Returns:
        `[B, T]` ids and labels, T the longest row's tokens.
    """
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
    """Lay rows end to end.

    Args:
        rows: B of them, at least one.
        widths: B lengths; each row is padded at its end to its own. None = no padding.
        pad: the token id of the padding.

    Returns:
        `[1, T]` ids and labels, T the sum of the widths. `options` has `position_ids`
        `[1, T]` int64 and the bounds of the rows, `[B + 1]` int32, for packed attention.
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


def _about(rows: Sequence[Row]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lengths and the numbers of rows."""
    return tuple(len(row.ids) for row in rows), tuple(row.number for row in rows)


def _labels(row: Row) -> Tensor:
    """Return `[T]` int64: at each position the token that follows, if it carries loss."""
    labels = torch.full((len(row.ids),), IGNORED)
    if row.learned is not None:
        following = torch.tensor(row.ids[1:])
        labels[:-1] = following.where(torch.tensor(row.learned[1:]), IGNORED)
        return labels
    labels[row.prompt_length - 1 : -1] = torch.tensor(row.ids[row.prompt_length :])
    return labels
