"""Running: what the engine's loop asks between two steps, and tells after each."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import AdapterBank, AdapterId
from t2l_fast.errors import BankFull, EngineError
from t2l_fast.serve.batching import GenerationOutput, RequestState
from t2l_fast.serve.request import Chunk, FinishReason, Request
from t2l_fast.serve.sampling import Draw, choose
from t2l_fast.serve.waiting import FairQueue

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
        if self.future.set_running_or_notify_cancel():
            try:
                with torch.no_grad():
                    self.future.set_result(self.call())
            except BaseException as error:
                self.future.set_exception(error)

    def give_up(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(EngineError("the engine was closed before it got to this"))


class Running:
    """Requests that wait and that run. The loop's `Feed` and `Owner`; `waiting` and `errands` are
    guarded by `lock`, anybody may put into `cancelled`, all else belongs to its thread.

    Args:
        bank: where adapters are leased.
        waiting: requests to admit, guarded by `lock`.
        max_active: requests that run at once.
        eos: tokens that end an answer.
    """

    def __init__(
        self, bank: AdapterBank, waiting: FairQueue, max_active: int, eos: frozenset[int]
    ) -> None:
        self.waiting = waiting
        self.active: dict[str, Request] = {}
        self.cancelled: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self.errands: FairQueue[Errand] = FairQueue(MAX_ERRANDS, MAX_ERRANDS // 4, "errands")
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.stats = EngineStats(dict.fromkeys(("stop", "length", "cancelled", "error"), 0))
        self.end: Callable[[str], None] = lambda key: None
        """Has the loop drop a request that it still runs."""
        self.wake: Callable[[], None] = lambda: None
        """Has the loop come back at once, where it found nothing to run."""
        self._bank, self._max_active, self._eos = bank, max_active, eos
        self._ready: list[RequestState] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self.waiting and not self.active

    def asks_for(self, adapter: AdapterId) -> bool:
        """Whether a request that waits or runs names an adapter."""
        with self.lock:
            return any(r.adapter == adapter for r in (*self.waiting, *self.active.values()))

    def empty(self) -> bool:
        """Whether there is nothing to begin now. Does what is due between two steps."""
        if not self._ready:
            self._run_errand()
            self._cancel()
            self._admit()
        return not self._ready

    def get_nowait(self) -> RequestState:
        if not self._ready:
            raise queue.Empty
        return self._ready.pop(0)

    def slot_of(self, key: str) -> int:
        return self.active[key].slot

    def choose(self, keys: Sequence[str], logits: Tensor) -> Tensor:
        requests = [self.active[key] for key in keys]
        tokens, found = choose(logits, [Draw(r.params, r.generated) for r in requests])
        for request, logprob in zip(requests, found, strict=True):
            if logprob is not None:
                request.logprobs.append(logprob)
        return tokens

    def deliver(self, output: GenerationOutput) -> None:
        request = self.active.get(output.request_id)
        if request is None:
            return
        try:
            self._deliver(request, output)
        except Exception as error:  # this request's alone, not the loop's
            self.end(request.key)
            self._finish(request, Chunk(finish="error", error=error))

    def _deliver(self, request: Request, output: GenerationOutput) -> None:
        if output.error is not None:
            self._finish(request, Chunk(finish="error", error=EngineError(output.error)))
            return
        new = output.generated_tokens[len(request.generated) :]
        request.generated += new
        self.stats.generated_tokens += len(new)
        text = "".join(map(request.stream.push, new))
        finish: FinishReason | None = "length" if output.is_finished() else None
        if request.stream.stopped or (
            new and new[-1] in self._eos and not request.params.ignore_eos
        ):
            finish = "stop"
        if finish is not None:
            text += request.stream.flush()
        chunk = Chunk(tuple(new), text, tuple(request.logprobs), finish)
        request.logprobs = []
        if finish is None:
            self._tell(request, chunk)
            return
        if not output.is_finished():
            self.end(request.key)
        self._finish(request, chunk)

    def lost(self, error: Exception) -> None:
        with self.lock:
            left = [*self.active.values(), *self.waiting]
            for request in left:
                self.waiting.remove(request)
        for request in left:
            self._finish(request, Chunk(finish="error", error=EngineError(str(error))))
        self.abandon_errands()

    def abandon_errands(self) -> None:
        """Fail what nobody will do any more."""
        with self.lock:
            left = [self.errands.pop() for _ in range(len(self.errands))]
        for errand in left:
            errand.give_up()

    def _run_errand(self) -> None:
        with self.lock:
            errand = self.errands.pop() if self.errands else None
            more = bool(self.errands)
        if errand is not None:
            errand.do()
        if more:
            self.wake()

    def _cancel(self) -> None:
        while not self.cancelled.empty():
            request = self.cancelled.get()
            with self.lock:
                waited = self.waiting.remove(request)
            if request.key in self.active:
                self.end(request.key)
            elif not waited:
                continue
            self._finish(request, Chunk(text=request.stream.flush(), finish="cancelled"))

    def _admit(self) -> None:
        with self.lock:
            due = self.waiting.peek(self._max_active - len(self.active))
            fitting = self._bank.fits([r.adapter for r in due]) if due else 0
            chosen = [self.waiting.pop() for _ in range(fitting)]
            self.active |= {r.key: r for r in chosen}
        for request in self._lease(chosen):
            request.slot = int(request.lease.slots)
            self.stats.prompt_tokens += len(request.prompt)
            self._ready.append(
                RequestState(
                    request_id=request.key,
                    initial_tokens=request.prompt,
                    max_new_tokens=request.params.max_tokens,
                    eos_token_id=None if request.params.ignore_eos else list(self._eos),
                    streaming=True,
                )
            )

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
        if request.lease is not None:
            request.lease.release()
        self._tell(request, chunk)
        with self.changed:
            self.active.pop(request.key, None)
            self.changed.notify_all()
