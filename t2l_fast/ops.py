"""The operators, re-exported so that users see one namespace."""

from t2l_kernels import lora_expand, lora_shrink, multi_lora

__all__ = ["lora_expand", "lora_shrink", "multi_lora"]
