"""Options of the adapters that a command trains or generates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

if TYPE_CHECKING:
    from t2l_fast.config import LoraConfig


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """The form of the adapters.

    Args:
        target_modules: linears that take adapters, comma-separated.
        rank: of every adapter.
        alpha: scale is alpha/√rank.
    """

    target_modules: str = "q_proj,v_proj"
    rank: Annotated[int, Ge(1)] = 4
    alpha: float = 16.0

    def config(self, dropout: float = 0.0) -> LoraConfig:
        """Return the config of such adapters, with the scale alpha/√rank."""
        from t2l_fast.config import LoraConfig

        targets = tuple(self.target_modules.split(","))
        return LoraConfig(targets, self.rank, self.alpha, use_rslora=True, dropout=dropout)


@dataclass(frozen=True, slots=True)
class ExportedLoraOptions(LoraOptions):
    """The form of the adapters, with what exported ones say to `peft`.

    Args:
        lora_dropout: written into exported adapters; not applied here.
    """

    lora_dropout: float = 0.0
