"""Serving: an engine that answers requests under their own adapters."""

from t2l_fast.serve.engine.config import EngineConfig
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
