"""Retire: forget an adapter once no request uses it any more."""

from __future__ import annotations

import threading

from t2l_fast.adapters import AdapterId
from t2l_fast.errors import AdapterInUse, EngineError, QueueFull
from t2l_fast.serve.engine.engine import Engine

AGAIN = 0.2
"""Seconds until it is tried again."""


def retire(engine: Engine, adapter: AdapterId, tenant: str) -> None:
    """Forget an adapter now, or as soon as nothing uses it; only in the engine's thread."""
    if not engine.asks_for(adapter):
        try:
            engine.bank.forget([adapter])
            return
        except AdapterInUse:  # a lease that is no request's
            pass
    timer = threading.Timer(AGAIN, _ask, (engine, adapter, tenant))
    timer.daemon = True
    timer.start()


def _ask(engine: Engine, adapter: AdapterId, tenant: str) -> None:
    while True:
        try:
            engine.run(lambda: retire(engine, adapter, tenant), tenant=tenant)
            return
        except QueueFull:
            threading.Event().wait(AGAIN)
        except EngineError:  # the engine ends, and the adapter, in RAM alone, with it
            return
