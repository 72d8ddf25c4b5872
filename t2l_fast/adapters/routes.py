"""The route of a site's input, from a slot per sequence or per token."""

from __future__ import annotations

import torch
from torch import Tensor

from t2l_fast.errors import ArgumentError
from t2l_kernels import Route


def route_of(
    slots: Tensor,
    leading: torch.Size,
    repeat: int = 1,
    *,
    num_slots: int | None = None,
    model: torch.Size | None = None,
) -> Route:
    """Return the route of an input with these leading dims, from a slot per row or token.

    Some models flatten rows and tokens before a linear, as OPT and routers of experts do.

    Args:
        model: `[rows, tokens]` of the model's own input, where it is known.
        num_slots: bounds the different slots: smaller tables, and larger blocks for a kernel.

    Raises:
        ArgumentError: the slots fit neither the rows (times `repeat`) nor the tokens.
    """
    if model is not None and len(leading) == 1 and leading[0] == model.numel():
        leading = model
    if slots.dim() == 1 and len(leading) > 0:
        rows = slots.shape[0]
        if leading[0] == rows:
            bound = _bound(rows, num_slots)
            return Route.from_sequences(slots, leading[1:].numel(), max_segments=bound)
        if leading[0] == rows * repeat:
            each = slots.repeat_interleave(repeat)
            bound = _bound(rows, num_slots)
            return Route.from_sequences(each, leading[1:].numel(), max_segments=bound)
    elif slots.shape == leading:
        bound = _bound(slots.numel(), num_slots)
        return Route.from_tokens(slots.reshape(-1), max_segments=bound)
    expected = f"[{leading[0] if leading else 1}]" if len(leading) < 2 else f"{tuple(leading)}"
    raise ArgumentError(
        f"slots must fit the input's leading dims {tuple(leading)} (repeat={repeat}): one per "
        f"row of the first dim, or one per token {expected}; got shape {tuple(slots.shape)}"
    )


def _bound(items: int, num_slots: int | None) -> int:
    if num_slots is None:
        return items
    return torch.sym_min(items, num_slots + 1)  # pyright: ignore  # one more: none
