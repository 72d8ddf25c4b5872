"""Echo: a prompt in front of its answers, with its own log probabilities where asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import BankFull
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.engine.sampling import TokenLogprob
from t2l_fast.serve.engine.scores import Score

_AGAIN = 0.005
"""Seconds until a slot is asked for again."""


@dataclass(frozen=True)
class Echo:
    """One prompt.

    Fields:
        tokens: its ids.
        text: what it says.
        logprobs: one per token, None for the first; empty where none were asked for.
    """

    tokens: Sequence[int]
    text: str
    logprobs: Sequence[TokenLogprob | None] = ()


async def scored(
    engine: Engine, prompt: Sequence[int], adapter: AdapterKey | None, count: int, tenant: str
) -> Sequence[TokenLogprob | None]:
    """Return the log probabilities of a prompt's tokens, and of `count` of the likeliest.

    The model's plain forward gives them, in pieces between two steps of the engine. Keys are not
    shared with the request that continues the prompt.

    Args:
        prompt: token ids that `Engine.check` has taken.
        adapter: an id of the bank; None = the base model.
        tenant: on whose turn it waits.

    Raises:
        UnknownAdapter, AdapterMismatch: as `AdapterBank.lease`.
        QueueFull: too much waits for the engine.
        EngineError: the engine is closed or failed.
    """

    while True:
        begun = engine.run(lambda: engine.scorer.begin(prompt, adapter, count), tenant=tenant)
        try:
            score = await asyncio.wrap_future(begun)
            break
        except BankFull:  # requests that run have all slots: one ends before long
            await asyncio.sleep(_AGAIN)
        except asyncio.CancelledError:  # the engine may be about it, and lease a slot
            begun.add_done_callback(_release)
            raise
    try:
        while not score.done:
            await asyncio.wrap_future(engine.run(score.step, tenant=tenant))
        return score.logprobs
    finally:
        score.release()


def _release(begun: Future[Score]) -> None:
    if not begun.cancelled() and begun.exception() is None:
        begun.result().release()
