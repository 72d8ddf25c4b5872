"""Serving: an engine that answers requests under their own adapters."""

from t2l_fast.serve.config import EngineConfig
from t2l_fast.serve.engine import Engine
from t2l_fast.serve.request import Chunk, Completion, Ticket
from t2l_fast.serve.sampling import SamplingParams, TokenLogprob

__all__ = [
    "Chunk",
    "Completion",
    "Engine",
    "EngineConfig",
    "SamplingParams",
    "Ticket",
    "TokenLogprob",
]
