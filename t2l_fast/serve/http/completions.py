"""Routes of completions and models, as OpenAI's API has them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from t2l_fast.adapters import AdapterId
from t2l_fast.errors import ArgumentError, T2LError
from t2l_fast.serve.engine.answers import Answers
from t2l_fast.serve.engine.sampling import SamplingParams
from t2l_fast.serve.http.failures import failure
from t2l_fast.serve.http.render import ChatRender, TextRender
from t2l_fast.serve.http.responses import (
    Answer,
    ChatCompletion,
    ChatCompletionChunk,
    Model,
    ModelList,
    TextCompletion,
)
from t2l_fast.serve.http.schema import ChatRequest, CompletionRequest, Sampled
from t2l_fast.serve.http.state import ERRORS, Serving, State, Tenant
from t2l_fast.serve.tenants.registry import INLINE

T = TypeVar("T")
Json = dict[str, Any]
router = APIRouter(prefix="/v1", responses=ERRORS)


def _streamed(whole: type[Answer], event: type[Answer]) -> dict[int | str, Json]:
    """Document an answer that comes whole, or as events with `stream: true`."""
    told = f"An answer; with `stream: true`, events that hold `{event.__name__}` each."
    schema = {"schema": {"type": "string", "description": f"`data: ` and a {event.__name__}."}}
    return {200: {"model": whole, "description": told, "content": {"text/event-stream": schema}}}


@router.post("/chat/completions", responses=_streamed(ChatCompletion, ChatCompletionChunk))
async def chat(body: ChatRequest, request: Request, state: Serving, tenant: Tenant) -> Response:
    """Answer a conversation."""
    started = time.perf_counter()
    adapter = await _adapter(state, tenant, body.model)
    generated = adapter is not None and state.engine.bank.generated(adapter)
    messages = [m.plain() for m in body.messages]
    prompt = await run_in_threadpool(state.prompter.chat, messages, generated=generated)
    asked = body.max_completion_tokens or body.max_tokens
    room = state.engine.longest - len(prompt)
    count = asked or max(1, min(room, state.limits.default_tokens))
    if body.top_logprobs is not None and not body.logprobs:
        raise ArgumentError("top_logprobs needs logprobs: true, got false")
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    params = _params(state, body, count, logprobs)
    trim = state.prompter.follows_template(generated=generated)
    render = ChatRender(body, state.prompter, trim=trim)
    return await _respond(state, request, body, prompt, params, adapter, tenant, render, started)


@router.post("/completions", responses=_streamed(TextCompletion, TextCompletion))
async def complete(
    body: CompletionRequest, request: Request, state: Serving, tenant: Tenant
) -> Response:
    """Continue a text."""
    started = time.perf_counter()
    adapter = await _adapter(state, tenant, body.model)
    prompt = body.prompt
    if isinstance(prompt, str):
        prompt = await run_in_threadpool(state.prompter.text, prompt)
    params = _params(state, body, body.max_tokens, body.logprobs)
    render = TextRender(body, state.prompter)
    return await _respond(state, request, body, prompt, params, adapter, tenant, render, started)


@router.get("/models")
async def models(
    state: Serving,
    tenant: Tenant,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    after: str | None = None,
) -> ModelList:
    """The base model and the tenant's adapters, page by page."""
    page, more = state.registry.page(tenant, after=after, limit=limit)
    shown = [_model(state, name) for name, _ in page]
    first = [_model(state, state.base)] if after is None else []
    return ModelList(data=first + shown, has_more=more)


@router.get("/models/{model:path}")
async def model(state: Serving, tenant: Tenant, model: str) -> Model:
    """One of them."""
    if model != state.base:
        state.registry.resolve(tenant, model)
    return _model(state, model)


def _model(state: State, name: str) -> Model:
    parent = None if name == state.base else state.base
    return Model(id=name, created=state.started, parent=parent)


async def _adapter(state: State, tenant: str, model: str) -> AdapterId | None:
    if model == state.base:
        return None
    if model.startswith(INLINE):
        return await state.registry.inline(tenant, model.removeprefix(INLINE).strip())
    return state.registry.resolve(tenant, model)


def _params(state: State, body: Sampled, count: int, logprobs: int | None) -> list[SamplingParams]:
    if body.n > state.limits.choices:
        raise ArgumentError(f"n may be up to {state.limits.choices}, got {body.n}")
    if body.stream_options is not None and not body.stream:
        raise ArgumentError("stream_options needs stream: true, got false")
    return [body.params(i, count, logprobs) for i in range(body.n)]


async def _respond(
    state: State,
    request: Request,
    body: Sampled,
    prompt: list[int],
    params: list[SamplingParams],
    adapter: AdapterId | None,
    tenant: str,
    render: ChatRender | TextRender,
    started: float,
) -> Response:
    answers = Answers(state.engine, prompt, params, adapter=adapter, tenant=tenant)
    timed = _timed(state, answers, started)
    try:
        if not body.stream:
            made = await _unless_gone(request, answers.whole(timed))
            return JSONResponse(render.whole(made, len(prompt)))
        # an error before the first token still has a status of its own
        first = await _unless_gone(request, anext(timed))
    except BaseException:
        answers.cancel()
        raise
    counted = body.stream_options is not None and body.stream_options.include_usage

    async def events() -> AsyncIterator[str]:
        generated = 0
        try:
            for piece in render.opening(len(params)):
                yield _event(piece)
            async for index, chunk in _after(first, timed):
                generated += len(chunk.tokens)
                if chunk.text or chunk.finish or chunk.logprobs or body.return_token_ids:
                    yield _event(render.piece(index, chunk))
            if counted:
                yield _event(render.closing(len(prompt), generated))
            yield "data: [DONE]\n\n"
        except T2LError as error:
            yield _event(failure(error)[1])
        finally:
            answers.cancel()

    return StreamingResponse(events(), media_type="text/event-stream")


async def _after(first: T, rest: AsyncIterator[T]) -> AsyncIterator[T]:
    yield first
    async for item in rest:
        yield item


async def _timed(state: State, answers: Answers, started: float) -> AsyncIterator[Any]:
    begun = False
    async for item in answers:
        if not begun:
            state.metrics.first_token.observe(time.perf_counter() - started)
            begun = True
        yield item
    state.metrics.answer.observe(time.perf_counter() - started)


async def _unless_gone(request: Request, waiting: Awaitable[T]) -> T:
    """The result, unless the client hangs up first."""
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


def _event(piece: Json) -> str:
    return f"data: {json.dumps(piece, ensure_ascii=False)}\n\n"
