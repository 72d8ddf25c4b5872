"""Training of generators."""

from t2l_fast.train.config import SFTConfig, WarmStartConfig
from t2l_fast.train.sft import SFTTrainer

__all__ = ["SFTConfig", "SFTTrainer", "WarmStartConfig"]
