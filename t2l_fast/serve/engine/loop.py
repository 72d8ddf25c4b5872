"""What the loop and the owner of its requests ask of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from t2l_fast.serve.engine.request import Request


class Loop(Protocol):
    """The loop, as the owner of its requests sees it."""

    def cancel(self, key: str) -> None:
        """Drop a request that runs."""
        ...

    def wake(self) -> None:
        """Come back at once, where there is nothing to run."""
        ...


class Owner(Protocol):
    """What the engine knows of its requests; called in the loop's thread."""

    def between_steps(self, loop: Loop) -> list[Request]:
        """Do what is due between two steps, and return the requests to begin now."""
        ...

    def slot_of(self, key: str) -> int:
        """Return the slot of a request that runs; −1 = base model."""
        ...

    def choose(self, keys: Sequence[str], logits: Tensor) -> Tensor:
        """Return the next tokens `[n]` of requests, from `[n, vocab]` logits."""
        ...

    def deliver(self, key: str, generated: Sequence[int], *, finished: bool, loop: Loop) -> None:
        """Take all tokens that a request has generated so far.

        Args:
            finished: whether the loop has ended the request at its `max_tokens`.
        """
        ...

    def fail(self, key: str, reason: str) -> None:
        """Take the failure of a request, which the loop has dropped."""
        ...

    def lost(self, error: BaseException) -> None:
        """The loop ended; nothing will be delivered any more."""
        ...
