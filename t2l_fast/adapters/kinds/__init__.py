"""Kinds of adapters: what a slot holds, and what a site adds to its output."""

from t2l_fast.adapters.kinds.base import Delta, Slots
from t2l_fast.adapters.kinds.core import CoreSlab
from t2l_fast.adapters.kinds.lora import LoraSlab

__all__ = ["CoreSlab", "Delta", "LoraSlab", "Slots"]
