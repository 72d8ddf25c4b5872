"""Failures: which status an error has."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from t2l_fast.errors import (
    AdapterInUse,
    ArgumentError,
    EngineError,
    NotAllowed,
    QueueFull,
    StoreError,
    T2LError,
    UnknownAdapter,
)
from t2l_fast.serve.http.guard import error_body
from t2l_fast.serve.http.invalid import sentence
from t2l_fast.serve.http.peft_zip import UploadTooLarge
from t2l_fast.serve.http.schema import ChatRequest, CompletionRequest
from t2l_fast.serve.tenants.mixtures import UnknownComponent

STATUS: list[tuple[type[Exception], int, str | None]] = [
    (UnknownAdapter, 404, "model_not_found"),
    (AdapterInUse, 409, "adapter_in_use"),
    (NotAllowed, 403, "limit_reached"),
    (QueueFull, 429, "queue_full"),
    (EngineError, 503, None),
    (StoreError, 503, None),
    (UploadTooLarge, 413, None),
    (T2LError, 400, None),
]
"""The first that fits; any other exception is a 500 of `Guard`."""


def failure(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error that was raised on purpose."""
    status, code = next((s, c) for kind, s, c in STATUS if isinstance(error, kind))
    message = str(error)
    if isinstance(error, EngineError) and not isinstance(error, QueueFull):
        # what failed may have been another's
        message = "the server could not finish this request, or is closing: try again later"
    if isinstance(error, UnknownAdapter) and not isinstance(error, UnknownComponent):
        # the bank's own words count all tenants' adapters
        message = "the model is not registered here: list what is by GET /v1/models"
    if isinstance(error, StoreError):
        message = "the store could not be written or read: its server's operator can tell why"
    return status, error_body(message, status, code, parameter=_parameter(error))


def _parameter(error: Exception) -> str | None:
    """Return the parameter that a message begins with."""
    first = str(error).partition(" ")[0]
    named = first in ChatRequest.model_fields or first in CompletionRequest.model_fields
    return first if named and isinstance(error, ArgumentError) else None


def install(app: FastAPI) -> None:
    """Answer errors in OpenAI's shape."""

    @app.exception_handler(T2LError)
    async def expected(request: Request, error: T2LError) -> JSONResponse:
        status, body = failure(error)
        headers = {"Retry-After": "1"} if status in (429, 503) else {}
        return JSONResponse(body, status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        message, parameter = sentence(error.errors(), error.body)
        return JSONResponse(error_body(message, 400, parameter=parameter), 400)

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        body = error_body(str(error.detail), error.status_code)
        return JSONResponse(body, error.status_code, error.headers)
