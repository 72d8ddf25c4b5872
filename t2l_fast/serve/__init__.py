"""Serving: an engine that answers requests under their own adapters.

Names load when they are first asked for: the sizes of an engine need no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from t2l_fast.serve.config import EngineConfig
    from t2l_fast.serve.engine.engine import Engine
    from t2l_fast.serve.engine.request import Chunk, Completion, Ticket
    from t2l_fast.serve.engine.sampling import SamplingParams, TokenLogprob

__all__ = [
    "Chunk",
    "Completion",
    "Engine",
    "EngineConfig",
    "SamplingParams",
    "Ticket",
    "TokenLogprob",
]

_HOMES = {
    "Chunk": "engine.request",
    "Completion": "engine.request",
    "Engine": "engine.engine",
    "EngineConfig": "config",
    "SamplingParams": "engine.sampling",
    "Ticket": "engine.request",
    "TokenLogprob": "engine.sampling",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
