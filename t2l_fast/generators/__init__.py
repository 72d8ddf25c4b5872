"""Generators: hypernetworks that make adapters from text."""

from t2l_fast.generators.config import T2LConfig
from t2l_fast.generators.init import discriminant_init, trunk_init
from t2l_fast.generators.multi_task import MultiTaskLora
from t2l_fast.generators.offsets import offset_init
from t2l_fast.generators.text_to_lora import TextToLora

__all__ = [
    "MultiTaskLora",
    "T2LConfig",
    "TextToLora",
    "discriminant_init",
    "offset_init",
    "trunk_init",
]
