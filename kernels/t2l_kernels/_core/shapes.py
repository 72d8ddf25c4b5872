"""Leading dimensions as one."""

from __future__ import annotations

from torch import Tensor


def flat(x: Tensor, keep: int = 1) -> Tensor:
    """Return `[…, d]` as `[T, d]`; a view where the layout allows one, else a copy.

    Args:
        x: of any dtype; there may be no leading dimension, or an empty one.
        keep: trailing dimensions that stay as they are; 2 gives `[n, rank, d]`.
    """
    return x.reshape(x.shape[:-keep].numel(), *x.shape[-keep:])
