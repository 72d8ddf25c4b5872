"""Running: requests that wait and run, between two steps of the loop and after each."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import AdapterId, Adapters
from t2l_fast.adapters.bank.mixture import adapters_of, renamed
from t2l_fast.errors import BankFull, EngineError
from t2l_fast.serve.engine.loop import Loop
from t2l_fast.serve.engine.queue import FairQueue
from t2l_fast.serve.engine.request import Chunk, FinishReason, Request
from t2l_fast.serve.engine.sampling import Draw, choose
from t2l_fast.serve.engine.trace import first_line, where

log = logging.getLogger("t2l_fast.serve")

MAX_ERRANDS = 1024
"""That wait; a quarter of them for one tenant."""


@dataclass
class EngineStats:
    """Counts since the engine began; written by its thread alone.

    Fields:
        requests: finished ones, by reason.
        prompt_tokens, generated_tokens: of requests admitted and answered.
    """

    requests: dict[FinishReason, int]
    prompt_tokens: int = 0
    generated_tokens: int = 0


@dataclass(eq=False)
class Errand:
    """Something to do between two steps."""

    call: Callable[[], Any]
    tenant: str
    future: Future = field(default_factory=Future)

    def do(self) -> None:
        """Run the call and set its result or exception."""
        if self.future.set_running_or_notify_cancel():
            try:
                with torch.no_grad():
                    self.future.set_result(self.call())
            except BaseException as error:
                self.future.set_exception(error)

    def give_up(self) -> None:
        """End the call with an error: the engine was closed before its turn."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(EngineError("the engine was closed before it got to this"))


class Running:
    """Requests that wait and that run; the loop's `Owner`.

    `lock` guards `waiting` and `errands`. Any thread may put into `cancelled`. All else belongs to
    the loop's thread.

    Args:
        adapters: whose bank leases them.
        waiting: requests to admit, guarded by `lock`.
        max_active: requests that run at once.
    """

    def __init__(self, adapters: Adapters, waiting: FairQueue, max_active: int) -> None:
        self.waiting = waiting
        self.active: dict[str, Request] = {}
        self.cancelled: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self.errands: FairQueue[Errand] = FairQueue(MAX_ERRANDS, MAX_ERRANDS // 4, "errands")
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stats = EngineStats(dict.fromkeys(("stop", "length", "cancelled", "error"), 0))
        self._bank, self._max_active = adapters.bank, max_active
        self.use = adapters.use

    @property
    def idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self.waiting and not self.active

    def asks_for(self, adapter: AdapterId) -> bool:
        """Return whether a request that waits or runs names an adapter, mixed or alone."""
        with self.lock:
            return any(
                adapter in adapters_of(r.adapter) for r in (*self.waiting, *self.active.values())
            )

    def redirect(self, adapter: AdapterId, to: AdapterId) -> None:
        """Let requests that wait or run with an adapter name it by another id."""
        with self.lock:
            for request in (*self.waiting, *self.active.values()):
                if request.adapter is not None:
                    request.adapter = renamed(request.adapter, adapter, to)

    def between_steps(self, loop: Loop) -> list[Request]:
        """Implement `Owner.between_steps`: one errand, what was cancelled, and what fits now."""
        self._run_errand(loop)
        self._cancel(loop)
        return self._admit()

    def slot_of(self, key: str) -> int:
        """Implement `Owner.slot_of`."""
        return self.active[key].slot

    def choose(self, keys: Sequence[str], logits: Tensor) -> Tensor:
        """Implement `Owner.choose`, by each request's sampling parameters."""
        requests = [self.active[key] for key in keys]
        tokens, logprobs = choose(logits, [Draw(r.params, r.generated) for r in requests])
        for request, logprob in zip(requests, logprobs, strict=True):
            if logprob is not None:
                request.logprobs.append(logprob)
        return tokens

    def deliver(self, key: str, generated: Sequence[int], *, finished: bool, loop: Loop) -> None:
        """Implement `Owner.deliver`."""
        request = self.active.get(key)
        if request is None:
            return
        try:
            self._deliver(request, generated, finished, loop)
        except Exception as error:  # this request's alone, not the loop's
            loop.cancel(key)
            self._finish(request, Chunk(finish="error", error=error))

    def step_failed(self, error: Exception) -> None:
        """Implement `Owner.step_failed`."""
        log.error("a step failed: %s", where(error))

    def fail(self, key: str, reason: str) -> None:
        """Implement `Owner.fail`."""
        request = self.active.get(key)
        if request is not None:
            self._finish(request, Chunk(finish="error", error=EngineError(reason)))

    def _deliver(
        self, request: Request, generated: Sequence[int], finished: bool, loop: Loop
    ) -> None:
        new = list(generated[len(request.generated) :])
        request.generated += new
        self.stats.generated_tokens += len(new)
        finish: FinishReason | None = "length" if finished else None
        if new and new[-1] in request.eos:
            finish = "stop"
        unsaid = request.params.stop_token_ids
        text = "".join(request.stream.push(t) for t in new if t not in unsaid)
        if request.stream.stopped:
            finish = "stop"
        if finish is not None:
            text += request.stream.flush()
        chunk = Chunk(tuple(new), text, tuple(request.logprobs), finish)
        request.logprobs = []
        if finish is None:
            self._tell(request, chunk)
            return
        if not finished:
            loop.cancel(request.key)
        self._finish(request, chunk)

    def lost(self, error: BaseException) -> None:
        """Implement `Owner.lost`: end every request and errand with an error."""
        log.error("the loop failed: %s", where(error))
        with self.lock:
            left = [*self.active.values(), *self.waiting]
            for request in left:
                self.waiting.remove(request)
        for request in left:
            failure = EngineError(f"the engine failed, got {first_line(error)}")
            try:
                self._finish(request, Chunk(finish="error", error=failure))
            except Exception as other:  # the others are to hear of it all the same
                log.error("a request could not be ended cleanly: %s", where(other))
        self.abandon_errands()

    def abandon_errands(self) -> None:
        """Fail what nobody will do any more."""
        with self.lock:
            left = [self.errands.pop() for _ in range(len(self.errands))]
        for errand in left:
            errand.give_up()

    def _run_errand(self, loop: Loop) -> None:
        with self.lock:
            errand = self.errands.pop() if self.errands else None
            more = bool(self.errands)
        if errand is not None:
            errand.do()
        if more:
            loop.wake()

    def _cancel(self, loop: Loop) -> None:
        while not self.cancelled.empty():
            request = self.cancelled.get()
            with self.lock:
                waited = self.waiting.remove(request)
            if request.key in self.active:
                loop.cancel(request.key)
            elif not waited:
                continue
            self._finish(request, Chunk(text=request.stream.flush(), finish="cancelled"))

    def _admit(self) -> list[Request]:
        with self.lock:
            due = self.waiting.peek(self._max_active - len(self.active))
            fitting = self._bank.fits([r.adapter for r in due]) if due else 0
            chosen = [self.waiting.pop() for _ in range(fitting)]
            self.active |= {r.key: r for r in chosen}
        begun = self._lease(chosen)
        for request in begun:
            assert request.lease is not None
            request.slot = int(request.lease.slots)
            self.stats.prompt_tokens += len(request.prompt)
        return begun

    def _lease(self, chosen: list[Request]) -> list[Request]:
        """Those that got their adapters; all that are missing are made in one pass."""
        try:
            leases = self._bank.lease_each([r.adapter for r in chosen])
        except Exception as error:
            if len(chosen) > 1:  # whoever is to blame, the others get theirs
                return [r for request in chosen for r in self._lease([request])]
            (request,) = chosen
            if not isinstance(error, BankFull):
                self._finish(request, Chunk(finish="error", error=error))
                return []
            with self.lock:  # somebody else leased meanwhile
                del self.active[request.key]
                self.waiting.put_back(request)
            return []
        for request, lease in zip(chosen, leases, strict=True):
            request.lease = lease
        return chosen

    def _tell(self, request: Request, chunk: Chunk) -> None:
        try:
            request.sink(chunk)
        except Exception:  # nobody listens any more
            self.cancelled.put(request)

    def _finish(self, request: Request, chunk: Chunk) -> None:
        if chunk.finish is not None:
            self.stats.requests[chunk.finish] += 1
        try:
            if request.lease is not None:
                request.lease.release()
        finally:
            self._tell(request, chunk)
            with self.changed:
                self.active.pop(request.key, None)
                self.changed.notify_all()
