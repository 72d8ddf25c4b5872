"""What the loop and the owner of its requests ask of each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor

from t2l_fast.errors import EngineError
from t2l_fast.serve.engine.sampling import SamplingParams
from t2l_fast.serve.engine.trace import first_line


class Work(Protocol):
    """A request, as the loop sees it.

    Fields:
        prompt: token ids.
        params: the loop reads `max_tokens` of it.
        eos: tokens that end the answer.
    """

    @property
    def key(self) -> str:
        """Names the request in the loop."""
        ...

    @property
    def prompt(self) -> list[int]:
        """Token ids to continue."""
        ...

    @property
    def params(self) -> SamplingParams:
        """How to continue them."""
        ...

    @property
    def eos(self) -> frozenset[int]:
        """Tokens that end the answer."""
        ...


class Loop(Protocol):
    """The loop, as the owner of its requests and the engine see it."""

    @property
    def step_tokens(self) -> int:
        """Tokens of one forward pass; the engine sets it while nothing runs."""
        ...

    @step_tokens.setter
    def step_tokens(self, tokens: int) -> None: ...

    @property
    def longest(self) -> int:
        """Tokens of prompt and answer together that fit the empty cache."""
        ...

    @property
    def failure(self) -> BaseException | None:
        """What ended the loop unasked, if anything did."""
        ...

    def start(self) -> None:
        """Start the loop's thread, and wait until it has turned once.

        Raises:
            EngineError: the loop ended before that, or did not turn in time.
        """
        ...

    def close(self) -> None:
        """End the loop and wait for its thread; the model is then as it was before."""
        ...

    def cancel(self, key: str) -> None:
        """Drop a request that runs."""
        ...

    def wake(self) -> None:
        """Come back at once, where there is nothing to run."""
        ...


class Owner(Protocol):
    """What the engine knows of its requests; called in the loop's thread."""

    def between_steps(self, loop: Loop) -> Sequence[Work]:
        """Do what is due between two steps, and return the requests to begin now."""
        ...

    def slot_of(self, key: str) -> int:
        """Return the slot of a request that runs; −1 = base model."""
        ...

    def use(self, slots: Tensor) -> AbstractContextManager[Any]:
        """Run the model with these slots inside the `with` block; as `Adapters.use`."""
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

    def step_failed(self, error: Exception) -> None:
        """Take note of a step that failed, before `fail` of each request in it."""
        ...

    def fail(self, key: str, reason: str) -> None:
        """Take the failure of a request, which the loop has dropped."""
        ...

    def lost(self, error: BaseException) -> None:
        """Take note that the loop ended: nothing will be delivered any more."""
        ...


class Handover:
    """An owner that passes everything on to another, which may change while nothing runs.

    Fields:
        now: that other.
    """

    def __init__(self, now: Owner) -> None:
        self.now = now

    def between_steps(self, loop: Loop) -> Sequence[Work]:
        """Pass on `Owner.between_steps`."""
        return self.now.between_steps(loop)

    def slot_of(self, key: str) -> int:
        """Pass on `Owner.slot_of`."""
        return self.now.slot_of(key)

    def use(self, slots: Tensor) -> AbstractContextManager[Any]:
        """Pass on `Owner.use`."""
        return self.now.use(slots)

    def choose(self, keys: Sequence[str], logits: Tensor) -> Tensor:
        """Pass on `Owner.choose`."""
        return self.now.choose(keys, logits)

    def deliver(self, key: str, generated: Sequence[int], *, finished: bool, loop: Loop) -> None:
        """Pass on `Owner.deliver`."""
        self.now.deliver(key, generated, finished=finished, loop=loop)

    def step_failed(self, error: Exception) -> None:
        """Pass on `Owner.step_failed`."""
        self.now.step_failed(error)

    def fail(self, key: str, reason: str) -> None:
        """Pass on `Owner.fail`."""
        self.now.fail(key, reason)

    def lost(self, error: BaseException) -> None:
        """Pass on `Owner.lost`."""
        self.now.lost(error)


class LoopThread:
    """The thread of a loop, and the last word on whatever ends it.

    Args:
        body: the loop; returns when it was asked to stop.
        owner: hears of the loop's end, once, if nobody asked for it.

    Fields:
        failure: what ended the loop unasked.
        turned: to be set by the loop once it has turned.
        stopping: set by whoever asks the loop to stop.
    """

    def __init__(self, body: Callable[[], None], owner: Owner) -> None:
        self.failure: BaseException | None = None
        self.turned, self.stopping = threading.Event(), False
        self._body, self._owner = body, owner
        self.thread = threading.Thread(target=self._run, name="t2l-engine", daemon=True)

    def start(self, seconds: float, stop: Callable[[bool], None]) -> None:
        """Start the thread, and wait until the loop has turned once.

        Args:
            seconds: to wait.
            stop: ends the loop where it failed; told whether its thread ends soon.

        Raises:
            EngineError: the loop ended before that, or did not turn in time.
        """
        self.thread.start()
        turned = self.turned.wait(seconds)
        if turned and self.failure is None:
            return
        stop(turned)
        if self.failure is None:
            raise EngineError(
                f"the engine's loop must turn within {seconds:.0f} seconds of its start, got "
                "nothing: see what else keeps the device busy"
            )
        raise EngineError(
            f"the engine's loop ended at its start, got {first_line(self.failure)}: run "
            "`t2l doctor` to see which versions are installed"
        ) from self.failure

    def lost(self, error: BaseException) -> None:
        """Record what ended the loop, once, before its owner ends all requests with it."""
        if self.failure is None:
            self.failure = error
            self._owner.lost(error)

    def _run(self) -> None:
        try:
            self._body()
            if not self.stopping:
                self.lost(EngineError("the loop returned without being asked to"))
        except BaseException as error:
            self.lost(error)
        finally:
            self.turned.set()
