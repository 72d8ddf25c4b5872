"""Prefetch: what the next step needs is made in a thread while the current step runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetch(Generic[T]):
    """One step ahead of whoever takes steps in order; ends with its `with` block.

    What `make` raises comes out of the `take` of its step, as itself.

    Args:
        make: step number → what the step needs; a function of the number alone.
        end: first step that is not made ahead.
        ahead: False = every step is made when it is taken, without a thread.
    """

    def __init__(self, make: Callable[[int], T], end: int, *, ahead: bool = True) -> None:
        self._make, self._end = make, end
        self._pool = ThreadPoolExecutor(1, "t2l-prefetch") if ahead else None
        self._next: tuple[int, Future[T]] | None = None

    def take(self, step: int) -> T:
        """Return what `step` needs, and begin the next one."""
        if self._pool is None:
            return self._make(step)
        ready, self._next = self._next, None
        result = ready[1].result() if ready is not None and ready[0] == step else self._make(step)
        if step + 1 < self._end:
            self._next = step + 1, self._pool.submit(self._make, step + 1)
        return result

    def __enter__(self) -> Prefetch[T]:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
