"""Listen: an application on a port, and its end in order."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn

from t2l_fast.errors import ConfigError
from t2l_fast.serve.engine.engine import Engine

_AFTERWARDS = 10
"""Seconds that answers have to tell that the engine ended them."""


class Listener(uvicorn.Server):
    """Closes the engine when it is asked to stop.

    What runs gets `grace` seconds to finish. Then it ends with 503, or an error event in a stream.
    """

    def __init__(self, config: uvicorn.Config, engine: Engine, grace: float) -> None:
        super().__init__(config)
        self._engine, self._grace = engine, grace

    async def shutdown(self, sockets: Any = None) -> None:
        """Close the engine, then the server (uvicorn calls it)."""
        loop = asyncio.get_running_loop()
        closing = loop.run_in_executor(None, self._engine.close, self._grace)
        await super().shutdown(sockets)
        if not self.force_exit:
            await closing


def listener(app: Any, engine: Engine, *, grace: float, **options: Any) -> Listener:
    """Build a server that is not running yet.

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


def bound(host: str, port: int) -> socket.socket:
    """Bind a socket to this address, so that a taken one shows before a model is loaded.

    Raises:
        ConfigError: it can't be had.
    """
    bound_socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound_socket.bind((host, port))
    except OSError as error:
        bound_socket.close()
        raise ConfigError(
            f"the server can't listen on {host}:{port}, got {error.strerror or error}: stop what "
            "does, or take another --port"
        ) from None
    return bound_socket


def run_until_stopped(app: Any, engine: Engine, own: socket.socket, grace: float) -> None:
    """Serve on a bound socket until SIGTERM or Ctrl-C; a second one does not wait for what runs."""
    listener(app, engine, grace=grace).run(sockets=[own])
