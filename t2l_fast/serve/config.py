"""Sizes of the engine and limits of the server, under the name that programs import them by."""

from t2l_fast.serve.engine.config import EngineConfig
from t2l_fast.serve.tenants.limits import Limits

__all__ = ["EngineConfig", "Limits"]
