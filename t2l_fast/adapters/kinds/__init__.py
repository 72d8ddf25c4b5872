"""Kinds of adapters: what a slot holds, and what a site adds to its output."""

from collections.abc import Mapping
from types import MappingProxyType

from t2l_fast.adapters.kinds.base import Delta, Slots
from t2l_fast.adapters.kinds.core import CoreSlab
from t2l_fast.adapters.kinds.lora import LoraSlab

KINDS: Mapping[str, type[Slots]] = MappingProxyType({"lora": LoraSlab, "core": CoreSlab})
"""Name → its slots. A further kind is one entry, and one case of tests/adapters/test_kinds.py."""

__all__ = ["KINDS", "CoreSlab", "Delta", "LoraSlab", "Slots"]
