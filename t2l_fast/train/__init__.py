"""Training of generators."""

from t2l_fast.train.config import SFTConfig
from t2l_fast.train.sft import SFTTrainer

__all__ = ["SFTConfig", "SFTTrainer"]
