"""Guard: what holds for every request, whatever its route: sizes, failures, counts, the log."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers

from t2l_fast.serve.config import Limits
from t2l_fast.serve.engine.trace import where
from t2l_fast.serve.http.metrics import Metrics
from t2l_fast.serve.tenants.keys import Keys

log = logging.getLogger("t2l_fast.serve")

ZIP = "application/zip"
UPLOADS = "/v1/adapters"
OPEN = ("/health", "/docs", "/openapi.json")
"""Paths that need no key."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
"""Others are told apart nowhere: a client makes them up."""


LINGER = 10.0
"""Seconds for which what still comes of a refused body is read and dropped."""


class TooLarge(Exception):
    """A body grew beyond its limit."""


class Guard:
    """ASGI middleware: keys and sizes before anything is read, failures and the log after.

    The log holds a method, a route's pattern, a status and a time. It holds no path, no query and
    no message of an exception, where descriptions may stand. `scope["tenant"]` says whose key it
    was; "" on a server without keys.
    """

    def __init__(self, app: Any, limits: Limits, metrics: Metrics, keys: Keys | None) -> None:
        self._app, self._limits, self._metrics, self._keys = app, limits, metrics, keys

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), 0, 0
        headers = Headers(scope=scope)
        limit, option = self._limit(scope, headers)

        async def counted() -> dict:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise TooLarge
            return message

        async def noted(message: dict) -> None:
            nonlocal status
            if size > limit and not status:  # the application may have caught what it was told
                raise TooLarge
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            scope["tenant"] = self._tenant(headers)
            if scope["tenant"] is None and scope["path"] not in OPEN:
                reason = "an API key is needed: Authorization: Bearer KEY"
                await _answer(noted, 401, reason, 0, [(b"www-authenticate", b"Bearer")])
                return
            declared = headers.get("content-length", "0")
            if declared.isdecimal() and int(declared[:18]) > limit:
                raise TooLarge
            await self._app(scope, counted, noted)
        except TooLarge:
            size = 0
            reason = f"a body may have {limit} bytes here, got more: send less, or have the server "
            reason += f"started with a larger {option}"
            await _answer(noted, 413, reason, status, rest=receive)
        except Exception as error:
            log.error("unexpected %s", where(error))
            await _answer(noted, 500, "the server failed: its log says where", status)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.responses.labels(method, route, str(status)).inc()
            spent = 1e3 * (time.perf_counter() - started)
            log.info("%s %s %d %.0f ms", method, route, status, spent)

    def _tenant(self, headers: Headers) -> str | None:
        if self._keys is None:
            return ""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        return self._keys.tenant(key.strip()) if scheme.lower() == "bearer" else None

    def _limit(self, scope: dict, headers: Headers) -> tuple[int, str]:
        """Return how large the body may be, and the option that says so."""
        path = scope["path"].rstrip("/")
        upload = (scope["method"], path) == ("POST", UPLOADS)
        upload = upload or (scope["method"] == "PUT" and path.startswith(f"{UPLOADS}/"))
        if upload and headers.get("content-type", "").split(";")[0].strip() == ZIP:
            return self._limits.upload_bytes, "--max-upload-mb"
        return self._limits.body_bytes, "--max-body-mb"


async def _answer(
    send: Any,
    status: int,
    message: str,
    begun: int,
    more: Sequence[tuple[bytes, bytes]] = (),
    *,
    rest: Any = None,
) -> None:
    """Answer with an error.

    Args:
        begun: the status that was sent already; 0 = none.
        rest: gives what still comes of the body. A connection that is closed on a client that
            sends takes the answer with it.
    """
    if begun:  # too late for another status
        return
    body = json.dumps(error_body(message, status)).encode()
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length, (b"connection", b"close"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": rest is not None})
    if rest is not None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drop(rest), LINGER)
        await send({"type": "http.response.body", "body": b""})


async def _drop(receive: Any) -> None:
    while (await receive()).get("more_body"):
        pass


def error_body(
    message: str, status: int, code: str | None = None, *, parameter: str | None = None
) -> dict[str, Any]:
    """Return OpenAI's shape of an error; `parameter` is what it is about."""
    # half a character of the client's own would not go back as UTF-8
    message = message.encode(errors="replace").decode()
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if parameter is not None:
        parameter = parameter.encode(errors="replace").decode()
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}
