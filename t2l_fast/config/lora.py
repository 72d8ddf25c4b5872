"""LoraConfig: what an adapter looks like. Frozen; holds no tensors; reads no environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from t2l_fast.config.peft_fields import PeftFields, refused
from t2l_fast.errors import ConfigError

if TYPE_CHECKING:
    import peft

_FOLDERS = "read a trained one with LoraWeights.from_pretrained, or train without it"
_ALL_LINEAR = "name the target modules instead of all-linear, or attach with exclude="


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """Rank, scale and place of LoRA adapters (Hu et al. 2021; rsLoRA: Kalajdzievski 2023).

    Args:
        target_modules: names or path suffixes of the linears to adapt, as in PEFT. A single string
            is "all-linear" or a regular expression for the whole path.
        rank: inner dimension r.
        alpha: numerator of the scale.
        use_rslora: scale by alpha/√r instead of alpha/r.
        dropout: probability of dropping inputs of the LoRA branch, in training mode only.

    Raises:
        ConfigError: an argument is out of its range.
    """

    target_modules: tuple[str, ...] | str
    rank: int
    alpha: float
    use_rslora: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        targets = self.target_modules
        if not isinstance(targets, str):
            object.__setattr__(self, "target_modules", tuple(targets))
        if not self.target_modules:
            raise ConfigError("target_modules must name at least one module, got none")
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 1:
            raise ConfigError(f"rank must be a positive integer, got {self.rank!r}")
        if not math.isfinite(self.alpha):
            raise ConfigError(f"alpha must be finite, got {self.alpha!r}")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout must lie in [0, 1), got {self.dropout!r}")

    @property
    def scaling(self) -> float:
        """alpha/r, or alpha/√r with rsLoRA."""
        return self.alpha / (math.sqrt(self.rank) if self.use_rslora else self.rank)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of PEFT's `adapter_config.json` that describe this adapter."""
        targets = self.target_modules
        return {
            "peft_type": "LORA",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "use_rslora": self.use_rslora,
            "lora_dropout": self.dropout,
            "target_modules": targets if isinstance(targets, str) else list(targets),
            "bias": "none",
        }

    def to_peft(self) -> peft.LoraConfig:
        """Return the same adapter as a `peft.LoraConfig`."""
        import peft

        fields = self.to_dict()
        del fields["peft_type"]
        return peft.LoraConfig(**fields)

    @classmethod
    def from_peft(cls, config: Mapping[str, Any] | peft.LoraConfig) -> LoraConfig:
        """Read a `peft.LoraConfig` or the contents of an `adapter_config.json`.

        Fields that say how an adapter was trained are ignored. `exclude_modules` and
        `layers_to_transform` narrow the target modules, to a regular expression.

        Raises:
            ConfigError: the adapter is not LoRA, or uses a feature that is not run here
                (`lora_bias`, `modules_to_save`, …). Or it has what a config alone can't hold: DoRA,
                ranks or scales per layer, biases that may be trained, or no target modules.
                `LoraWeights.from_pretrained` reads those.
        """
        fields = dict(config) if isinstance(config, Mapping) else dict(config.to_dict())
        parsed = PeftFields.parse(fields)
        for name in ("use_dora", "rank_pattern", "alpha_pattern"):
            if getattr(parsed, name):
                raise refused(name, fields[name], _FOLDERS)
        if parsed.bias != "none":
            raise refused("bias", parsed.bias, _FOLDERS)
        if not fields.get("target_modules"):
            raise ConfigError(
                "a config without weights must name its modules, got none for target_modules: "
                + _FOLDERS
            )
        if parsed.targets is None:
            raise refused("exclude_modules", fields.get("exclude_modules"), _ALL_LINEAR)
        return cls(parsed.targets, parsed.rank, parsed.alpha, parsed.use_rslora, parsed.dropout)
