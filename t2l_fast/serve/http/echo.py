"""Echo: a prompt in front of its answers, with its own log probabilities where asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import BankFull
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.engine.sampling import TokenLogprob

T = TypeVar("T")

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

    async def run(call: Callable[[], T]) -> T:
        return await asyncio.wrap_future(engine.run(call, tenant=tenant))

    while True:
        try:
            score = await run(lambda: engine.scorer.begin(prompt, adapter, count))
            break
        except BankFull:  # requests that run have all slots: one ends before long
            await asyncio.sleep(_AGAIN)
    try:
        while not score.done:
            await run(score.step)
        return score.logprobs
    finally:
        score.release()
