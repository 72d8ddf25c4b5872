"""The server: OpenAI's API over an engine, and routes to register adapters."""

from __future__ import annotations

from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from t2l_fast.serve.config import Limits
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.engine.trace import where
from t2l_fast.serve.http import adapters, completions, failures, models
from t2l_fast.serve.http.guard import Guard
from t2l_fast.serve.http.metrics import Metrics
from t2l_fast.serve.http.prompts import Prompter
from t2l_fast.serve.http.responses import Health
from t2l_fast.serve.http.state import Operator, Serving, State
from t2l_fast.serve.tenants.keys import Keys
from t2l_fast.serve.tenants.registry import Registry
from t2l_fast.version import __version__


def create_app(
    engine: Engine,
    *,
    base: str,
    template: str | None = None,
    keys: Keys | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """Build an ASGI application that answers for `engine`, and drains it when it shuts down.

    Args:
        base: the name under which requests ask for the base model.
        template: what generated adapters were trained to read (`T2LConfig.prompt_template`); None =
            the tokenizer's chat template.
        keys: API keys; None = open to everybody who reaches it.
        limits: of one request.
    """
    limits = limits or Limits()
    state = State(
        engine=engine,
        registry=Registry(engine, limits, base, tenants=keys is not None),
        prompter=Prompter(engine.tokenizer, template),
        metrics=Metrics(engine),
        limits=limits,
        base=base,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        await run_in_threadpool(engine.close)

    app = FastAPI(
        title="t2l_fast",
        version=__version__,
        description="One base model, a different adapter for every request.",
        lifespan=lifespan,
    )
    app.state.serving = state
    app.add_middleware(Guard, limits=limits, metrics=state.metrics, keys=keys)
    failures.install(app)
    app.include_router(completions.router)
    app.include_router(models.router)
    app.include_router(adapters.router)

    failing = {"description": "The engine failed, or is closing.", "model": Health}

    @app.get("/health", responses={200: {"model": Health}, 503: failing})
    async def health(state: Serving) -> Response:
        """Whether requests are taken."""
        failure = state.engine.failure
        if failure is not None:
            # without its message, in which a prompt may stand
            return JSONResponse({"status": "failed", "reason": where(failure, paths=False)}, 503)
        if not state.engine.accepts:
            return JSONResponse({"status": "closing"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metrics", dependencies=[Operator], response_class=Response)
    def metrics(state: Serving) -> Response:
        """Prometheus' text format."""
        return Response(state.metrics.text(), media_type="text/plain; version=0.0.4")

    return app
