"""Engine: requests in, answers out, each under its own adapter, many in every forward pass."""

from __future__ import annotations

import queue
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

from t2l_fast.adapters import AdapterId, Adapters
from t2l_fast.adapters.bank.mixture import AdapterRef, key_of
from t2l_fast.errors import ArgumentError, EngineError, UnknownAdapter
from t2l_fast.serve.config import EngineConfig
from t2l_fast.serve.engine.paths import check_kind, positions, proven
from t2l_fast.serve.engine.queue import FairQueue
from t2l_fast.serve.engine.request import Chunk, Request, Sink, Ticket
from t2l_fast.serve.engine.running import EngineStats, Errand, Running
from t2l_fast.serve.engine.sampling import SamplingParams
from t2l_fast.serve.engine.scores import Scorer
from t2l_fast.serve.engine.text import TextStream
from t2l_fast.serve.engine.trace import first_line
from t2l_fast.serve.engine.vocabulary import Vocabulary

T = TypeVar("T")


class Engine:
    """Answers requests by continuous batching, every request under an adapter of the bank.

    A request waits in a fair queue until a place and a slot are free. It has its adapter's slot
    from then to its end, and never shares cached keys with another. One pass between two steps of
    the model generates all adapters that a step needs. Methods may be called from any thread.

    Args:
        model: the causal LM that `adapters` is attached to. The engine takes it over: nothing else
            may run it until `close`.
        tokenizer: of the model; a fast one.
        adapters: of `t2l_fast.attach(…, num_slots ≥ 1)`.
        config: sizes.

    Raises:
        ArgumentError: the tokenizer is not a fast one.
        UseError: `adapters` has no slots.
        UnsupportedModel: no way to run the model gives its own logits, or none that
            `config.attention` allows.
        EngineError: the loop does not turn, ends at its start, or its cache can't be had.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        adapters: Adapters,
        config: EngineConfig | None = None,
    ) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ArgumentError(
                f"the engine needs a fast tokenizer, got {type(tokenizer).__name__}: it decodes "
                "token by token"
            )
        check_kind(model)
        config = config or EngineConfig()
        self.tokenizer, self.bank = tokenizer, adapters.bank
        self._vocabulary = Vocabulary(tokenizer)
        waiting: FairQueue[Request] = FairQueue(config.max_queue, config.max_queue_per_tenant)
        self._running = Running(adapters, waiting, config.max_active)
        self._keys = count()
        self._closed = self._stopped = False
        attention = model.config._attn_implementation
        self._manager, self.proof = proven(model, adapters, config, self._running)
        """How the model runs, and what showed that it does so rightly."""
        self.scorer = Scorer(model, adapters, attention, pieces=self.proof.path == "paged")
        """Gives log probabilities of prompts, between two steps (`run`)."""
        self._eos = _end_tokens(model, tokenizer)
        self._vocab = model.get_input_embeddings().num_embeddings
        self.longest = min(self._manager.longest, positions(model))
        """Tokens of prompt and answer together that a request may have."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def submit(
        self,
        prompt: Sequence[int],
        *,
        adapter: AdapterRef | None = None,
        params: SamplingParams | None = None,
        tenant: str = "",
        sink: Sink | None = None,
    ) -> Ticket:
        """Queue one request.

        Args:
            prompt: token ids.
            adapter: as `AdapterBank.lease` takes it; None = the base model.
            params: how to answer; None = greedily, 16 tokens.
            tenant: on whose turn it waits.
            sink: called with every chunk in the engine's thread; None = the ticket keeps them.

        Raises:
            ArgumentError: an empty prompt, tokens outside the vocabulary, more tokens than
                `longest`, or an unfit mixture.
            UnknownAdapter: the adapter is not registered.
            QueueFull: too many requests wait.
            EngineError: the engine is closed or failed.
        """
        every = [params or SamplingParams()]
        return self.submit_all([prompt], every, adapter=adapter, tenant=tenant, sinks=[sink])[0]

    def submit_all(
        self,
        prompts: Sequence[Sequence[int]],
        params: Sequence[SamplingParams],
        *,
        adapter: AdapterRef | None = None,
        tenant: str = "",
        sinks: Sequence[Sink | None],
    ) -> list[Ticket]:
        """Queue requests that belong together, all or none; otherwise as `submit`."""
        key = None if adapter is None else key_of(adapter)
        if key is not None and key not in self.bank:
            raise UnknownAdapter(f"an adapter must be registered, got {adapter!r}")
        accepted, tickets = [], []
        for prompt, sampling, sink in zip(prompts, params, sinks, strict=True):
            self.check(prompt, sampling.max_tokens)
            chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
            seed = secrets.randbits(63) if sampling.seed is None else sampling.seed
            request = Request(
                key=str(next(self._keys)),
                prompt=list(prompt),
                adapter=key,
                params=replace(sampling, seed=seed),
                tenant=tenant,
                sink=sink or chunks.put,
                stream=TextStream(
                    self.tokenizer, sampling.stop, prompt=prompt, vocabulary=self._vocabulary
                ),
                eos=frozenset(sampling.stop_token_ids)
                | (frozenset() if sampling.ignore_eos else self._eos),
            )
            accepted.append(request)
            tickets.append(Ticket(partial(self._cancel, request), chunks))
        if accepted:
            with self._running.lock:
                self._check_open()
                self._running.waiting.push(accepted)
            self._manager.wake()
        return tickets

    def run(self, call: Callable[[], T], *, tenant: str = "") -> Future[T]:
        """Run a call in the engine's thread between two steps.

        There it does not compete with the model for the device. Encoding descriptions and
        generating adapters are such calls.

        Args:
            call: what; its result or exception is the future's.
            tenant: on whose turn it waits.

        Raises:
            QueueFull: too much waits.
            EngineError: the engine is closed or failed.
        """
        errand = Errand(call, tenant)
        with self._running.lock:
            self._check_open()
            self._running.errands.push([errand])
        self._manager.wake()
        return errand.future

    def asks_for(self, adapter: AdapterId) -> bool:
        """Return whether a request that waits or runs names an adapter."""
        return self._running.asks_for(adapter)

    def redirect(self, adapter: AdapterId, to: AdapterId) -> None:
        """Let requests that wait or run with an adapter name it by another id."""
        self._running.redirect(adapter, to)

    @property
    def failure(self) -> BaseException | None:
        """What ended the engine's loop, if anything did."""
        return self._manager.failure

    @property
    def accepts(self) -> bool:
        """Whether requests are taken."""
        return self.failure is None and not self._closed

    @property
    def stats(self) -> EngineStats:
        """Counts since the engine began."""
        return self._running.stats

    @property
    def active(self) -> int:
        """Requests that run now."""
        return len(self._running.active)

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._running.waiting)

    def drain(self, timeout: float | None = None) -> bool:
        """Take no more requests, and wait for those there are; False if time ran out first."""
        with self._running.changed:
            self._closed = True
            return self._running.changed.wait_for(lambda: self._running.idle, timeout)

    def close(self, timeout: float | None = None) -> None:
        """Finish what waits and runs, up to `timeout` seconds, cancel the rest, and stop.

        The model is then as it was before; adapters stay attached. A second call does nothing.
        """
        if not self.drain(timeout):
            with self._running.lock:
                left = [*self._running.waiting, *self._running.active.values()]
            for request in left:
                self._cancel(request)
            self.drain()
        with self._running.lock:
            stopped, self._stopped = self._stopped, True
        if not stopped:
            self._manager.close()
            self._running.abandon_errands()

    def _cancel(self, request: Request) -> None:
        self._running.cancelled.put(request)
        self._manager.wake()

    def check(self, prompt: Sequence[int], max_tokens: int) -> None:
        """Refuse a prompt that can't be answered with so many tokens.

        Raises:
            ArgumentError: it is empty, has tokens outside the vocabulary, or is too long.
        """
        if not prompt or not all(0 <= t < self._vocab for t in (min(prompt), max(prompt))):
            raise ArgumentError(
                f"a prompt must be token ids from 0 to {self._vocab - 1}, got "
                + (f"{min(prompt)} to {max(prompt)}" if prompt else "none")
            )
        if len(prompt) + max_tokens > self.longest:
            raise ArgumentError(
                f"prompt and max_tokens together may have {self.longest} tokens, got "
                f"{len(prompt)} + {max_tokens}: shorten one"
            )

    def _check_open(self) -> None:
        if self.failure is not None:
            raise EngineError(f"the engine failed, got {first_line(self.failure)}: make a new one")
        if self._closed:
            raise EngineError("the engine is closed, and takes no more requests")


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ids = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    named = ids if isinstance(ids, list) else [ids]
    return frozenset(t for t in (*named, tokenizer.eos_token_id) if t is not None)
