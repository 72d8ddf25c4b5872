"""Respond: submit a request's prompts, and answer whole or by events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import T2LError
from t2l_fast.serve.engine.answers import Answers
from t2l_fast.serve.engine.request import Chunk, Completion, join
from t2l_fast.serve.http.failures import failure
from t2l_fast.serve.http.render import ChatRender, TextRender
from t2l_fast.serve.http.schema import Sampled
from t2l_fast.serve.http.state import State

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What a request gives the engine to do.

    Fields:
        prompts: token ids of each; choices of the first come first.
        count: tokens of an answer, at most.
        logprobs: see `SamplingParams`.
        adapter: of the bank; None = the base model.
        started: when the request came, on the clock of `time.perf_counter`.
    """

    prompts: Sequence[list[int]]
    count: int
    logprobs: int | None
    adapter: AdapterKey | None
    tenant: str
    started: float


async def respond(
    state: State,
    request: Request,
    body: Sampled,
    job: Job,
    render: ChatRender | TextRender,
) -> Response:
    """Answer with one choice for every prompt and number up to `n`.

    Raises:
        T2LError: as `Engine.submit` and `Answers`.
        HTTPException: the client hung up.
    """
    choices = body.n * len(job.prompts)
    answers = _submitted(state, body, job) if job.count else _Nothing(choices)
    timed = _timed(state, answers, job.started)
    prompt_tokens = sum(map(len, job.prompts))
    try:
        if not body.stream:
            completions = await unless_gone(request, answers.whole(timed))
            return JSONResponse(render.whole(completions, prompt_tokens))
        # an error before the first token still has a status of its own
        first = await unless_gone(request, anext(timed))
    except BaseException:
        answers.cancel()
        raise
    counted = body.stream_options is not None and body.stream_options.include_usage

    async def events() -> AsyncIterator[str]:
        generated = 0
        try:
            for piece in render.opening(choices):
                yield _event(piece)
            async for index, chunk in _after(first, timed):
                generated += len(chunk.tokens)
                if chunk.text or chunk.finish or chunk.logprobs or body.return_token_ids:
                    yield _event(render.piece(index, chunk))
            if counted:
                yield _event(render.closing(prompt_tokens, generated))
            yield "data: [DONE]\n\n"
        except T2LError as error:
            yield _event(failure(error)[1])
        finally:
            answers.cancel()

    return StreamingResponse(events(), media_type="text/event-stream")


def _submitted(state: State, body: Sampled, job: Job) -> Answers:
    params = [body.params(i, job.count, job.logprobs) for i in range(body.n)]
    return Answers(
        state.engine,
        [prompt for prompt in job.prompts for _ in params],
        params * len(job.prompts),
        adapter=job.adapter,
        tenant=job.tenant,
    )


class _Nothing:
    """Answers of no tokens."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def __aiter__(self) -> AsyncIterator[tuple[int, Chunk]]:
        for index in range(self._count):
            yield index, Chunk(finish="length")

    async def whole(self, pieces: AsyncIterator[tuple[int, Chunk]]) -> list[Completion]:
        """Return all of them."""
        return [join([chunk]) async for _, chunk in pieces]

    def cancel(self) -> None:
        """Do nothing: nothing runs."""


async def _after(first: T, rest: AsyncIterator[T]) -> AsyncIterator[T]:
    yield first
    async for item in rest:
        yield item


async def _timed(state: State, answers: Answers | _Nothing, started: float) -> AsyncIterator[Any]:
    begun = False
    async for item in answers:
        if not begun:
            state.metrics.first_token.observe(time.perf_counter() - started)
            begun = True
        yield item
    state.metrics.answer.observe(time.perf_counter() - started)


async def unless_gone(request: Request, waiting: Awaitable[T]) -> T:
    """Return the result, unless the client hangs up first."""
    work = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise HTTPException(499, "the client hung up")
        return work.result()
    finally:
        work.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _event(piece: dict[str, Any]) -> str:
    return f"data: {json.dumps(piece, ensure_ascii=False)}\n\n"
