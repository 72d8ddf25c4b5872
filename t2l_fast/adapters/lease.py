"""Lease: slots pinned for the rows of one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from t2l_fast.errors import UseError

if TYPE_CHECKING:
    from t2l_fast.adapters.bank import AdapterBank


class Lease:
    """A context manager: its slots keep their adapters until it is left (or `release` is called).

    Fields:
        slots: `[len(ids)]` int32 in the order of the ids, −1 for None.
        ids: as given to `AdapterBank.lease`.
    """

    def __init__(
        self,
        bank: AdapterBank,
        slots: Tensor,
        ids: tuple[Any, ...],
        pinned: tuple[int, ...],
        generations: tuple[int, ...],
    ) -> None:
        self.slots = slots
        self.ids = ids
        self._bank = bank
        self._pinned = pinned
        self._generations = generations
        self._released = False

    def release(self) -> None:
        """Unpin; a second call does nothing."""
        with self._bank._lock:
            if not self._released:
                self._released = True
                self._bank._unpin(self._pinned)

    def check(self) -> None:
        """Raise UseError if the lease was released or a slot was refilled under it."""
        if self._released:
            raise UseError("the lease was released before use: enter use() inside the lease")
        now = tuple(self._bank._generations[slot] for slot in self._pinned)
        if now != self._generations:
            raise UseError(
                f"slots {self._pinned} were refilled under a lease: this is a bug in t2l_fast"
            )

    def __enter__(self) -> Lease:
        self.check()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
