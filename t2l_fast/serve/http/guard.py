"""Guard: what holds for every request, whatever its route: sizes, failures, counts, the log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import Headers

from t2l_fast.serve.engine.trace import where
from t2l_fast.serve.http.metrics import Metrics
from t2l_fast.serve.tenants.keys import Keys
from t2l_fast.serve.tenants.limits import Limits

log = logging.getLogger("t2l_fast.serve")

ZIP = "application/zip"
UPLOADS = "/v1/adapters"
OPEN = ("/health", "/docs", "/openapi.json")
"""Paths that need no key."""
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""Others are told apart nowhere: a client makes them up."""


class TooLarge(Exception):
    """A body grew beyond its limit."""


class Guard:
    """ASGI middleware: keys and sizes before anything is read, failures and the log after.

    The log holds a method, a route's pattern, a status and a time: no path, no query, no message of
    an exception, where descriptions may stand. `scope["tenant"]` says whose key it was; "" on a
    server without keys.
    """

    def __init__(self, app: Any, limits: Limits, metrics: Metrics, keys: Keys | None) -> None:
        self._app, self._limits, self._metrics, self._keys = app, limits, metrics, keys

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), 0, 0
        headers = Headers(scope=scope)
        limit = self._limit(scope, headers)

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
                told = "an API key is needed: Authorization: Bearer KEY"
                await _answer(noted, 401, told, 0, [(b"www-authenticate", b"Bearer")])
                return
            declared = headers.get("content-length", "0")
            if declared.isdecimal() and int(declared[:18]) > limit:
                raise TooLarge
            await self._app(scope, counted, noted)
        except TooLarge:
            size = 0
            await _answer(noted, 413, f"a body may have {limit} bytes: send less", status)
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

    def _limit(self, scope: dict, headers: Headers) -> int:
        upload = scope["method"] == "POST" and scope["path"].rstrip("/") == UPLOADS
        zipped = headers.get("content-type", "").split(";")[0].strip() == ZIP
        return self._limits.upload_bytes if upload and zipped else self._limits.body_bytes


async def _answer(
    send: Any, status: int, message: str, begun: int, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    if begun:  # too late for another status
        return
    body = json.dumps(error_body(message, status)).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def error_body(message: str, status: int, code: str | None = None) -> dict[str, Any]:
    """OpenAI's shape of an error."""
    # half a character of the client's own would not go back as UTF-8
    message = message.encode(errors="replace").decode()
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
