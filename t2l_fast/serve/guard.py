"""Guard: what holds for every request, whatever its route: sizes, failures, counts, the log."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any

from t2l_fast.serve.config import Limits
from t2l_fast.serve.metrics import Metrics

log = logging.getLogger("t2l_fast.serve")

ZIP = "application/zip"
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
"""Others are told apart nowhere: a client makes them up."""


class TooLarge(Exception):
    """A body grew beyond its limit."""


class Guard:
    """ASGI middleware. The log holds a method, a route's pattern, a status and a time: no path, no
    query, no message of an exception, where descriptions may stand."""

    def __init__(self, app: Any, limits: Limits, metrics: Metrics) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        headers = dict(scope["headers"])
        zipped = headers.get(b"content-type", b"").split(b";")[0].strip() == ZIP.encode()
        limit = self._limits.upload_bytes if zipped else self._limits.body_bytes
        size = 0

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
            declared = headers.get(b"content-length", b"0")
            if declared.isdigit() and int(declared) > limit:
                raise TooLarge
            await self._app(scope, counted, noted)
        except TooLarge:
            size = 0
            await _answer(noted, 413, f"a body may have {limit} bytes: send less", status)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            where = " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(frames[-5:]))
            log.error("unexpected %s at %s", type(error).__name__, where)
            await _answer(noted, 500, "the server failed: its log says where", status)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.responses.labels(method, route, str(status)).inc()
            spent = 1e3 * (time.perf_counter() - started)
            log.info("%s %s %d %.0f ms", method, route, status, spent)


async def _answer(send: Any, status: int, message: str, begun: int) -> None:
    if begun:  # too late for another status
        return
    body = json.dumps(error_body(message, status)).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def error_body(message: str, status: int, code: str | None = None) -> dict[str, Any]:
    """OpenAI's shape of an error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
