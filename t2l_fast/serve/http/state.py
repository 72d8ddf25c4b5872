"""State: what all routes of one server share, and who asks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer

from t2l_fast.serve.config import Limits
from t2l_fast.serve.engine.engine import Engine
from t2l_fast.serve.http.metrics import Metrics
from t2l_fast.serve.http.prompts import Prompter
from t2l_fast.serve.http.responses import Error
from t2l_fast.serve.tenants.keys import OPERATOR
from t2l_fast.serve.tenants.registry import Registry


@dataclass(frozen=True)
class State:
    """One server.

    Fields:
        base: name under which the base model is asked for.
    """

    engine: Engine
    registry: Registry
    prompter: Prompter
    metrics: Metrics
    limits: Limits
    base: str
    started: int = field(default_factory=lambda: int(time.time()))


def state_of(request: Request) -> State:
    """Return what the application serves with."""
    return request.app.state.serving


Serving = Annotated[State, Depends(state_of)]
# for the schema alone: `Guard` has read the key before
_bearer = HTTPBearer(auto_error=False, description="An API key of the server's keys file.")


def _tenant(request: Request, _: Annotated[object, Depends(_bearer)]) -> str:
    tenant = request.scope["tenant"]
    if tenant == OPERATOR:
        raise HTTPException(403, "the operator's key reads the metrics, and nothing else")
    return tenant


def _operator(request: Request, _: Annotated[object, Depends(_bearer)]) -> None:
    if request.scope["tenant"] not in ("", OPERATOR):
        raise HTTPException(403, f"metrics need the key of the tenant {OPERATOR!r}")


Tenant = Annotated[str, Depends(_tenant)]
"""The namespace of whoever asks; "" on a server without keys."""
Operator = Depends(_operator)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": meaning, "model": Error}
    for status, meaning in {
        400: "The request can't be served as it is.",
        401: "No key, or an unknown one.",
        403: "A limit of the tenant, or the operator's key.",
        404: "No such adapter.",
        409: "A request waits or runs with the adapter.",
        413: "The body is too large.",
        429: "Too many requests wait.",
        503: "The server is starting, closing, or failed.",
    }.items()
}
