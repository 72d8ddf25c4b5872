"""State: what all routes of one server share, and who asks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from t2l_fast.serve.config import Limits
from t2l_fast.serve.engine import Engine
from t2l_fast.serve.keys import OPERATOR, Keys
from t2l_fast.serve.metrics import Metrics
from t2l_fast.serve.prompts import Prompter
from t2l_fast.serve.registry import Registry


@dataclass(frozen=True)
class State:
    """One server.

    Fields:
        base: name under which the base model is asked for.
        keys: None = everybody may do everything.
    """

    engine: Engine
    registry: Registry
    prompter: Prompter
    metrics: Metrics
    limits: Limits
    base: str
    keys: Keys | None
    started: int = field(default_factory=lambda: int(time.time()))


def state_of(request: Request) -> State:
    return request.app.state.serving


Serving = Annotated[State, Depends(state_of)]
_bearer = HTTPBearer(auto_error=False, description="An API key of the server's keys file.")


def _holder(
    state: Serving, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    if state.keys is None:
        return ""
    tenant = state.keys.tenant(given.credentials) if given is not None else None
    if tenant is None:
        raise HTTPException(
            401, "an API key is needed: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
        )
    return tenant


def _tenant(state: Serving, holder: Annotated[str, Depends(_holder)]) -> str:
    if holder == OPERATOR:
        raise HTTPException(403, "the operator's key reads the metrics, and nothing else")
    return holder


def _operator(state: Serving, holder: Annotated[str, Depends(_holder)]) -> None:
    if state.keys is not None and holder != OPERATOR:
        raise HTTPException(403, f"metrics need the key of the tenant {OPERATOR!r}")


Tenant = Annotated[str, Depends(_tenant)]
"""The namespace of whoever asks; "" on a server without keys."""
Operator = Depends(_operator)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "content": {"application/json": {}}}
    for status, told in {
        400: "The request can't be served as it is.",
        401: "No key, or an unknown one.",
        403: "A limit of the tenant, or the operator's key.",
        404: "No such adapter.",
        409: "A request runs with the adapter.",
        413: "The body is too large.",
        429: "Too many requests wait.",
        503: "The server is starting, closing, or failed.",
    }.items()
}
