"""PEFT folders: `adapter_config.json` and `adapter_model.safetensors`."""

from t2l_fast.adapters.peft_format.base_copy import BaseCopy
from t2l_fast.adapters.peft_format.names import CONFIG_NAME, WEIGHTS_NAME
from t2l_fast.adapters.peft_format.origin import Origin
from t2l_fast.adapters.peft_format.reader import read
from t2l_fast.adapters.peft_format.writer import write

__all__ = ["CONFIG_NAME", "WEIGHTS_NAME", "BaseCopy", "Origin", "read", "write"]
