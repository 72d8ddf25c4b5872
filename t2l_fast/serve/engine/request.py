"""A request on its way through the engine, and what its caller sees of it."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from t2l_fast.adapters import Lease
from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import EngineError
from t2l_fast.serve.engine.sampling import SamplingParams, TokenLogprob
from t2l_fast.serve.engine.text import TextStream

FinishReason = Literal["stop", "length", "cancelled", "error"]


@dataclass(frozen=True)
class Chunk:
    """What one step added to an answer.

    Fields:
        tokens: new token ids.
        text: new text; may lag behind the tokens.
        logprobs: one per token, where asked for.
        finish: why the answer ended, in its last chunk.
        error: what went wrong, for `finish="error"`.
    """

    tokens: tuple[int, ...] = ()
    text: str = ""
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: FinishReason | None = None
    error: Exception | None = None


Sink = Callable[[Chunk], None]
"""Called in the engine's thread, once a step; must return at once."""


@dataclass(eq=False)
class Request:
    """The engine's own record of a request; touched by its thread alone once it was queued.

    Fields:
        eos: tokens that end the answer.
        lease: of its adapter, while it runs.
        slot: of its adapter, while it runs; −1 = base model.
        generated: tokens so far.
        logprobs: of tokens that no chunk has held yet.
    """

    key: str
    prompt: list[int]
    adapter: AdapterKey | None
    params: SamplingParams
    tenant: str
    sink: Sink
    stream: TextStream
    eos: frozenset[int] = frozenset()
    lease: Lease | None = None
    slot: int = -1
    generated: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)


@dataclass(frozen=True)
class Completion:
    """A whole answer; fields as in `Chunk`."""

    tokens: tuple[int, ...]
    text: str
    logprobs: tuple[TokenLogprob, ...]
    finish: FinishReason


class Ticket:
    """A submitted request: iterate over its chunks, or wait for its `result`."""

    def __init__(self, cancel: Callable[[], None], chunks: queue.SimpleQueue[Chunk]) -> None:
        self._chunks = chunks
        self.cancel = cancel
        """End the request at the next step; without effect once it ended."""

    def __iter__(self) -> Iterator[Chunk]:
        """Chunks as they come, once.

        Raises:
            EngineError: the engine failed; or what made its adapter unavailable.
        """
        while True:
            chunk = self._chunks.get()
            if chunk.error is not None:
                raise chunk.error
            yield chunk
            if chunk.finish is not None:
                return

    def result(self) -> Completion:
        """Wait for the whole answer; raises as iterating does."""
        return join(list(self))


def join(chunks: Sequence[Chunk]) -> Completion:
    """Join the chunks of one answer."""
    finish = chunks[-1].finish
    if finish is None:
        raise EngineError("an answer ends with a chunk that says why, got none: it is not complete")
    return Completion(
        tuple(t for c in chunks for t in c.tokens),
        "".join(c.text for c in chunks),
        tuple(p for c in chunks for p in c.logprobs),
        finish,
    )
