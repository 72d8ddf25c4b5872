"""Routes of completions, as OpenAI's API has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.errors import ArgumentError
from t2l_fast.serve.engine.sampling import TokenLogprob
from t2l_fast.serve.http.echo import Echo, scored
from t2l_fast.serve.http.render import ChatRender, TextRender
from t2l_fast.serve.http.respond import Job, respond, unless_gone
from t2l_fast.serve.http.responses import (
    Answer,
    ChatCompletion,
    ChatCompletionChunk,
    TextCompletion,
)
from t2l_fast.serve.http.schema import ChatRequest, CompletionRequest, Sampled
from t2l_fast.serve.http.state import ERRORS, Serving, State, Tenant
from t2l_fast.serve.tenants.registry import INLINE

router = APIRouter(prefix="/v1", responses=ERRORS)


def _streamed(whole: type[Answer], event: type[Answer]) -> dict[int | str, dict[str, Any]]:
    """Document an answer that comes whole, or as events with `stream: true`."""
    description = f"An answer; with `stream: true`, events that hold `{event.__name__}` each."
    schema = {"schema": {"type": "string", "description": f"`data: ` and a {event.__name__}."}}
    return {
        200: {"model": whole, "description": description, "content": {"text/event-stream": schema}}
    }


@router.post("/chat/completions", responses=_streamed(ChatCompletion, ChatCompletionChunk))
async def chat(body: ChatRequest, request: Request, state: Serving, tenant: Tenant) -> Response:
    """Answer a conversation."""
    started = time.perf_counter()
    _check(state, body)
    if body.top_logprobs and not body.logprobs:
        raise ArgumentError("top_logprobs needs logprobs: true, got false: send both")
    adapter = await _adapter(state, tenant, body.model)
    generated = adapter is not None and state.engine.bank.generated(adapter)
    messages = [m.plain() for m in body.messages]
    prompt = await run_in_threadpool(state.prompter.chat, messages, generated=generated)
    limit = body.max_completion_tokens or body.max_tokens
    room = state.engine.longest - len(prompt)
    count = limit or max(1, min(room, state.limits.default_tokens))
    logprobs = (body.top_logprobs or 0) if body.logprobs else None
    trim = state.prompter.follows_template(generated=generated)
    render = ChatRender(body, state.prompter, trim=trim)
    return await respond(
        state, request, body, Job([prompt], count, logprobs, adapter, tenant, started), render
    )


@router.post("/completions", responses=_streamed(TextCompletion, TextCompletion))
async def complete(
    body: CompletionRequest, request: Request, state: Serving, tenant: Tenant
) -> Response:
    """Continue texts."""
    started = time.perf_counter()
    _check(state, body)
    sources = body.prompts
    if len(sources) > state.limits.prompts:
        raise ArgumentError(
            f"prompt may be up to {state.limits.prompts} texts, got {len(sources)}: send fewer"
        )
    if not (body.max_tokens or body.echo):
        raise ArgumentError("max_tokens must be at least 1 without echo: true, got 0: raise it")
    if body.best_of not in (None, body.n):
        raise ArgumentError(f"best_of must be n, got {body.best_of} and {body.n}: leave it out")
    adapter = await _adapter(state, tenant, body.model)
    prompts = await run_in_threadpool(state.prompter.each, sources)
    for prompt in prompts:
        state.engine.check(prompt, body.max_tokens)
    job = Job(prompts, body.max_tokens, body.logprobs, adapter, tenant, started)
    echoes = await unless_gone(request, _echoes(state, job, sources)) if body.echo else []
    return await respond(state, request, body, job, TextRender(body, state.prompter, echoes))


async def _echoes(state: State, job: Job, sources: Sequence[str | list[int]]) -> list[Echo]:
    echoes = []
    for prompt, ids in zip(sources, job.prompts, strict=True):
        logprobs: Sequence[TokenLogprob | None] = ()
        if job.logprobs is not None:
            logprobs = await scored(state.engine, ids, job.adapter, job.logprobs, job.tenant)
        echoes.append(Echo(ids, state.prompter.text_of(prompt), logprobs))
    return echoes


async def _adapter(state: State, tenant: str, model: str) -> AdapterKey | None:
    if model == state.base:
        return None
    if model.startswith(INLINE) and not state.registry.knows(tenant, model):
        return await state.registry.inline(tenant, model.removeprefix(INLINE).strip())
    return state.registry.model(tenant, model)


def _check(state: State, body: Sampled) -> None:
    """Refuse what the schema can't, before anything is made for the request."""
    if body.n > state.limits.choices:
        raise ArgumentError(f"n may be up to {state.limits.choices}, got {body.n}: ask twice")
    counted = body.stream_options is not None and body.stream_options.include_usage
    if counted and not body.stream:
        raise ArgumentError("stream_options needs stream: true, got false: leave it out")
