"""PeftFields: the contents of an `adapter_config.json`, read or refused by name."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from t2l_fast.config.patterns import pattern_for, translated
from t2l_fast.errors import ConfigError

_READ = frozenset(
    """alpha_pattern bias exclude_modules init_lora_weights layers_pattern layers_to_transform
    lora_alpha lora_dropout peft_type r rank_pattern target_modules use_dora use_rslora
    auto_mapping base_model_name_or_path ensure_weight_tying revision task_type""".split()
)
"""Fields that are read here."""

_TRAINING_ONLY = frozenset(
    """alpha corda_config ephemeral_gpu_offload eva_config fan_in_fan_out inference_mode
    loftq_config lora_dtype lora_ga_config lorap_emb_lr lorap_lr_ratio megatron_config
    megatron_core merge_weights peft_version qalora_group_size runtime_config
    velora_config""".split()
)
"""Fields that say how an adapter was trained, or how PEFT runs it: its output is the same."""

_SWITCHES = ("use_rslora", "use_dora", "ensure_weight_tying")

_BIASES = ("none", "all", "lora_only")

_PLAIN_INITS = frozenset({"true", "false", "none", "gaussian", "orthogonal", "eva", "mica"})
"""Initialisations that leave the base weights alone; the others store a delta from changed ones."""

_MERGE = "merge this adapter into the base model with PEFT, or train it without"
_REMEDIES = {
    "modules_to_save": "these modules are trained whole; train them as target_modules instead, or "
    "merge the adapter into a base model of its own with PEFT's merge_and_unload",
    "target_parameters": "these are parameters without a linear, such as MoE experts; " + _MERGE,
    "trainable_token_indices": "these rows of the embedding are trained whole; " + _MERGE,
}


@dataclass(frozen=True)
class PeftFields:
    """What an adapter's config says about its stored weights.

    Fields:
        targets: `target_modules`, narrowed by `exclude_modules` and `layers_to_transform`; None
            where only the stored weights can tell: old files name none.
        rank: `r`.
        alpha: `lora_alpha`.
        rank_pattern, alpha_pattern: regex for a path's end → its own rank and alpha.
        use_rslora: scale by alpha/√r.
        dropout: of the LoRA branch.
        use_dora: whether there is a magnitude per output (DoRA).
        ties_weights: whether modules tied to a target have weights too, without being named.
        bias: which biases were trained: "none", "all" or "lora_only".
        base_model, revision, task_type, auto_mapping: as PEFT notes them, None where it doesn't.
    """

    targets: tuple[str, ...] | str | None
    rank: int
    alpha: float
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    use_rslora: bool
    dropout: float
    use_dora: bool
    ties_weights: bool
    bias: str
    base_model: str | None
    revision: str | None
    task_type: str | None
    auto_mapping: Mapping[str, str | int] | None

    @classmethod
    def parse(cls, fields: Mapping[str, Any]) -> PeftFields:
        """Read the fields of a LoRA adapter.

        Raises:
            ConfigError: the adapter is not LoRA, a field changes what it computes and is not run
                here, or a value has the wrong type.
        """
        kind = _plain(fields.get("peft_type"))
        if kind != "LORA":
            raise ConfigError(
                f"peft_type must be LORA, got {kind}: only LoRA adapters are run here"
            )
        _refuse(fields)
        missing = [name for name in ("r", "lora_alpha") if name not in fields]
        if missing:
            raise ConfigError(
                "a PEFT config must hold r and lora_alpha, got none for "
                f"{' and '.join(missing)}: take them from the training's own config"
            )
        _check_types(fields)
        targets, exclude = _ordered(fields.get("target_modules")), fields.get("exclude_modules")
        layers, pattern = fields.get("layers_to_transform"), fields.get("layers_pattern")
        ranks = _pattern(fields, "rank_pattern", fields["r"], whole=True)
        alphas = _pattern(fields, "alpha_pattern", fields["lora_alpha"], whole=False)
        return cls(
            targets=translated(targets, _ordered(exclude), layers, _ordered(pattern))
            if targets
            else None,
            rank=fields["r"],
            alpha=fields["lora_alpha"],
            rank_pattern=ranks,
            alpha_pattern=alphas,
            use_rslora=bool(fields.get("use_rslora")),
            dropout=float(fields.get("lora_dropout") or 0.0),
            use_dora=bool(fields.get("use_dora")),
            ties_weights=bool(fields.get("ensure_weight_tying")),
            bias=fields.get("bias") or "none",
            base_model=_name(fields, "base_model_name_or_path"),
            revision=_name(fields, "revision"),
            task_type=_name(fields, "task_type"),
            auto_mapping=_names(fields.get("auto_mapping")),
        )

    def rank_at(self, path: str) -> int:
        """Return the rank of the module at a path."""
        key = pattern_for(path, self.rank_pattern) if self.rank_pattern else None
        return self.rank if key is None else self.rank_pattern[key]

    def scaling_at(self, path: str) -> float:
        """Return the scale of the module at a path: its alpha/r, or alpha/√r with rsLoRA."""
        key = pattern_for(path, self.alpha_pattern) if self.alpha_pattern else None
        alpha = self.alpha if key is None else self.alpha_pattern[key]
        rank = self.rank_at(path)
        return alpha / (math.sqrt(rank) if self.use_rslora else rank)


def refused(name: str, value: Any, remedy: str) -> ConfigError:
    """Return the error of a field that is not run."""
    return ConfigError(f"plain LoRA is expected, got {name}={_shown(value)}: {remedy}")


def _refuse(fields: Mapping[str, Any]) -> None:
    init = fields.get("init_lora_weights", True)
    if str(init).lower() not in _PLAIN_INITS:
        raise ConfigError(
            f"init_lora_weights={_shown(init)} changes the base weights: convert the adapter to "
            "plain LoRA with PEFT's path_initial_model_for_weight_conversion first"
        )
    for name in sorted(fields.keys() - _READ - _TRAINING_ONLY):
        if _differs_from_default(name, fields[name]):
            raise refused(name, fields[name], _REMEDIES.get(name, _MERGE))


def _differs_from_default(name: str, value: Any) -> bool:
    if not value:
        return False
    import peft  # late: it takes seconds, and few configs need it

    known = {field.name: field for field in dataclasses.fields(peft.LoraConfig)}
    return name not in known or value != known[name].default


def _check_types(fields: Mapping[str, Any]) -> None:
    """Raise ConfigError that names the first field of a wrong type."""
    kinds = {
        "r": (_is_rank, "a whole number"),
        "lora_alpha": (_is_number, "a number"),
        "lora_dropout": (lambda value: not value or _is_number(value), "a number"),
        "target_modules": (lambda value: not value or _are_names(value), "names"),
        "exclude_modules": (lambda value: not value or _are_names(value), "names"),
        "layers_pattern": (lambda value: not value or _are_names(value), "names"),
        "layers_to_transform": (
            lambda value: value is None or _are_numbers(value),
            "whole numbers",
        ),
        "bias": (lambda value: not value or value in _BIASES, "none, all or lora_only"),
        **dict.fromkeys(_SWITCHES, (lambda v: v is None or isinstance(v, bool), "true or false")),
    }
    for name, (fits, kind) in kinds.items():
        if not fits(fields.get(name)):
            raise ConfigError(
                f"{name} must be {kind}, got {_shown(fields.get(name))}: correct it in the "
                "adapter's config"
            )


def _pattern(fields: Mapping[str, Any], name: str, usual: float, *, whole: bool) -> dict[str, Any]:
    """Return a pattern without the entries that only repeat the usual value, if all do."""
    pattern = fields.get(name) or {}
    typed = isinstance(pattern, Mapping) and all(
        isinstance(key, str) and _is_number(value, whole=whole) and (not whole or value > 0)
        for key, value in pattern.items()
    )
    if not typed:
        kind = "a positive integer" if whole else "a number"
        raise ConfigError(f"{name} must hold {kind} per name, got {_shown(pattern)}")
    return {} if all(value == usual for value in pattern.values()) else dict(pattern)


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))


def _name(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return None if value is None or value == "" else _plain(value)


def _names(value: Any) -> dict[str, str | int] | None:
    """Return what JSON keeps of a flat mapping, None for anything else."""
    if not isinstance(value, Mapping) or not value:
        return None
    return {str(k): v for k, v in value.items() if isinstance(v, (str, bool, int))}


def _shown(value: Any) -> str:
    """Return a value as JSON, cut where it is long; types for what JSON doesn't know."""
    text = json.dumps(
        value, default=lambda v: sorted(v) if isinstance(v, set) else type(v).__name__
    )
    return text if len(text) < 200 else f"{text[:200]}…"


def _is_number(value: Any, whole: bool = False) -> bool:
    kinds = int if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def _is_rank(value: Any) -> bool:
    return _is_number(value, whole=True)


def _are_numbers(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return all(_is_number(v, whole=True) for v in values)


def _are_names(value: Any) -> bool:
    if isinstance(value, str):
        return True
    is_group = isinstance(value, (list, tuple, set, frozenset))
    return is_group and all(isinstance(name, str) for name in value)


def _ordered(names: Any) -> Any:
    """Return names in a fixed order: PEFT holds sets, whose order changes between processes."""
    if isinstance(names, (set, frozenset)):
        return tuple(sorted(names))
    return names if isinstance(names, str) or not isinstance(names, Sequence) else tuple(names)
