"""What an adapter looks like, and how PEFT writes it down."""

from t2l_fast.config.lora import LoraConfig
from t2l_fast.config.peft_fields import PeftFields

__all__ = ["LoraConfig", "PeftFields"]
