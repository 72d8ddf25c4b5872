"""EngineConfig by its former path."""

from t2l_fast.serve.config import EngineConfig

__all__ = ["EngineConfig"]
