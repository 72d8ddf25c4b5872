"""LoraConfig: what an adapter looks like. Frozen; holds no tensors; reads no environment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from t2l_fast.errors import ConfigError

if TYPE_CHECKING:
    import peft

_HARMLESS = frozenset(
    """alpha auto_mapping base_model_name_or_path fan_in_fan_out inference_mode lora_alpha
    lora_dropout peft_type peft_version r revision runtime_config target_modules task_type
    use_rslora megatron_core qalora_group_size ephemeral_gpu_offload""".split()
)
"""PEFT fields that don't change what a stored adapter computes, or that are read here."""

_PLAIN_INITS = frozenset({"gaussian", "orthogonal", "eva", "True", "False"})
"""Initialisations that leave the base weights alone (PiSSA, OLoRA, CorDA and LoftQ change them)."""


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

        Raises:
            ConfigError: the adapter is not LoRA, or uses a feature that is not run here (DoRA,
                `lora_bias`, `modules_to_save`, per-layer patterns, …).
        """
        fields = dict(config) if isinstance(config, Mapping) else dict(config.to_dict())
        kind = str(getattr(fields.get("peft_type"), "value", fields.get("peft_type")))
        if kind != "LORA":
            raise ConfigError(
                f"peft_type must be LORA, got {kind}: only LoRA adapters are run here"
            )
        init = fields.pop("init_lora_weights", True)
        if init is not None and str(init) not in _PLAIN_INITS:
            raise ConfigError(
                f"init_lora_weights={init!r} changes the base weights: convert the adapter to "
                "plain "
                "LoRA with PEFT's path_initial_model_for_weight_conversion first"
            )
        refused = {k: v for k, v in fields.items() if k not in _HARMLESS and _is_set(k, v)}
        if refused:
            listed = ", ".join(f"{name}={value!r}" for name, value in sorted(refused.items()))
            raise ConfigError(
                f"plain LoRA is expected, got {listed}: merge this adapter into the base model "
                "with "
                "PEFT, or train it without"
            )
        targets = fields.get("target_modules")
        if not targets or "r" not in fields or "lora_alpha" not in fields:
            raise ConfigError(
                "a PEFT config must hold r, lora_alpha and target_modules, "
                f"got only {sorted(k for k in fields if fields[k] is not None)}"
            )
        numbers = {name: fields.get(name) for name in ("r", "lora_alpha", "lora_dropout")}
        numbers["lora_dropout"] = numbers["lora_dropout"] or 0.0
        wrong = {k: v for k, v in numbers.items() if not isinstance(v, (int, float))}
        if wrong or not isinstance(fields["r"], int) or not _are_names(targets):
            raise ConfigError(
                "r must be an integer, lora_alpha and lora_dropout numbers, target_modules names, "
                f"got {numbers | {'target_modules': targets}}"
            )
        return cls(
            target_modules=targets if isinstance(targets, str) else _ordered(targets),
            rank=fields["r"],
            alpha=fields["lora_alpha"],
            use_rslora=bool(fields.get("use_rslora", False)),
            dropout=float(numbers["lora_dropout"]),
        )


def _is_set(name: str, value: Any) -> bool:
    return value != "none" if name == "bias" else bool(value)


def _are_names(targets: Any) -> bool:
    if isinstance(targets, str):
        return True
    is_group = isinstance(targets, (list, tuple, set, frozenset))
    return is_group and all(isinstance(name, str) for name in targets)


def _ordered(targets: Sequence[str] | set[str]) -> tuple[str, ...]:
    """PEFT keeps targets as a set, whose order changes between processes."""
    return tuple(sorted(targets)) if isinstance(targets, (set, frozenset)) else tuple(targets)
