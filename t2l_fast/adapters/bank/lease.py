"""Lease: slots pinned for the rows of one batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from torch import Tensor

from t2l_fast.adapters.bank.mixture import AdapterRef
from t2l_fast.errors import UseError


class Lease:
    """A context manager: its slots keep their adapters until it is left (or `release` is called).

    Fields:
        slots: `[len(ids)]` int32 in the order of the ids, −1 for None.
        ids: as given to `AdapterBank.lease`.

    Args:
        owner: the slots' tensors, which tell whose lease it is.
        lock: of the bank.
        unpin: takes back what was pinned.
        generations: returns how often each pinned slot was refilled.
    """

    def __init__(
        self,
        slots: Tensor,
        ids: tuple[AdapterRef | None, ...],
        *,
        owner: object,
        lock: AbstractContextManager[object],
        unpin: Callable[[], None],
        generations: Callable[[], tuple[int, ...]],
    ) -> None:
        self.slots = slots
        self.ids = ids
        self._owner = owner
        self._lock = lock
        self._unpin = unpin
        self._generations = generations
        self._pinned_at = generations()
        self._released = False

    def release(self) -> None:
        """Unpin; a second call does nothing."""
        with self._lock:
            if not self._released:
                self._released = True
                self._unpin()

    def is_of(self, owner: object) -> bool:
        """Return whether the lease is of these slots."""
        return self._owner is owner

    def check(self) -> None:
        """Raise UseError if the lease was released or a slot was refilled under it."""
        if self._released:
            raise UseError("the lease was released before use: enter use() inside the lease")
        if self._generations() != self._pinned_at:
            raise UseError("slots were refilled under a lease: this is a bug in t2l_fast")

    def __enter__(self) -> Lease:
        self.check()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
