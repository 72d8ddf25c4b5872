"""Listen: an application on a port, and its end in order."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn

from t2l_fast.serve.engine import Engine

_AFTERWARDS = 10
"""Seconds that answers have to tell that the engine ended them."""


class Listener(uvicorn.Server):
    """Closes the engine when it is asked to stop: what runs gets `grace` seconds to finish, and is
    then told (503, or an error event in a stream)."""

    def __init__(self, config: uvicorn.Config, engine: Engine, grace: float) -> None:
        super().__init__(config)
        self._engine, self._grace = engine, grace

    async def shutdown(self, sockets: Any = None) -> None:
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(None, self._engine.close, self._grace)
        await super().shutdown(sockets)
        if not self.force_exit:
            await closing


def listener(app: Any, engine: Engine, *, grace: float, **options: Any) -> Listener:
    """A server that is not running yet.

    Args:
        options: of `uvicorn.Config`.
    """
    config = uvicorn.Config(
        app,
        # uvicorn's own access log would hold paths, and t2l:<description> may stand in one
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=int(grace + _AFTERWARDS),
        **options,
    )
    return Listener(config, engine, grace)


def run_until_stopped(app: Any, engine: Engine, host: str, port: int, grace: float) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one does not wait for what runs."""
    listener(app, engine, grace=grace, host=host, port=port).run()
