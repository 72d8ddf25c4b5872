"""Generators: hypernetworks that make adapters from text."""

from t2l_fast.generators.base import Generator, GeneratorConfig
from t2l_fast.generators.baselines import MultiTaskConfig, MultiTaskLora
from t2l_fast.generators.parts import files as checkpoint
from t2l_fast.generators.parts.initialisation import discriminant_init, trunk_init
from t2l_fast.generators.registry import (
    DEFAULT_KIND,
    AutoGenerator,
    Registration,
    kinds,
    register,
    registration,
)
from t2l_fast.generators.text_to_lora import T2LConfig, TextToLora, offset_init, sakana
from t2l_fast.generators.zhyper import Zhyper, ZhyperConfig

__all__ = [
    "DEFAULT_KIND",
    "AutoGenerator",
    "Generator",
    "GeneratorConfig",
    "MultiTaskConfig",
    "MultiTaskLora",
    "Registration",
    "T2LConfig",
    "TextToLora",
    "Zhyper",
    "ZhyperConfig",
    "checkpoint",
    "discriminant_init",
    "kinds",
    "offset_init",
    "register",
    "registration",
    "sakana",
    "trunk_init",
]
