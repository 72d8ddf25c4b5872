"""Options of a command from presets and files, and as a file that can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from t2l_fast.errors import ArgumentError

_OF_A_CALL = {"out", "preset", "config_file", "print_config", "resume", "as_json"}
"""Arguments that say what is done now, not how."""


def from_preset(context: typer.Context, value: str | None) -> str | None:
    """Put a preset's values in the place of defaults; a callback.

    Raises:
        ArgumentError: there is no such preset.
    """
    from t2l_fast.train.sft.presets import PRESETS

    if value is not None:
        if value not in PRESETS:
            raise ArgumentError(f"--preset must be one of {sorted(PRESETS)}, got {value!r}")
        # published runs have one rate: whoever gives another means it for the trunk too
        _set_defaults(context, PRESETS[value] | {"trunk_learning_rate": None}, behind=True)
    return value


def from_file(context: typer.Context, value: Path | None) -> Path | None:
    """Put a YAML file's values in the place of defaults, before a preset's; a callback.

    Raises:
        ArgumentError: it holds no mapping, or another name than an option's.
    """
    if value is not None:
        import yaml

        try:
            read = yaml.safe_load(value.read_text())
            if not isinstance(read, dict):
                raise ValueError("it holds no mapping")
        except (OSError, ValueError, yaml.YAMLError) as error:
            reason = str(error).split("\n", 1)[0]
            raise ArgumentError(
                f"--config must be a YAML mapping, got {value}: {reason}"
            ) from error
        _set_defaults(context, {str(k).replace("-", "_"): v for k, v in read.items()})
    return value


def settings(context: typer.Context, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a call by its name, as plain data that `from_file` takes.

    Args:
        changes: values that something else than the options decided.
    """
    found = {name: context.params[name] for name in _names(context)} | dict(changes)
    return {k: str(v) if isinstance(v, Path) else v for k, v in found.items()}


def given(context: typer.Context, name: str) -> bool:
    """Whether an option was set at all: by a flag, a file or a preset."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _names(context: typer.Context) -> list[str]:
    return [p.name for p in context.command.params if p.name and p.name not in _OF_A_CALL]


def _set_defaults(
    context: typer.Context, values: Mapping[str, Any], *, behind: bool = False
) -> None:
    known = _names(context)
    unknown = sorted(values.keys() - {*known})
    if unknown:
        raise ArgumentError(
            f"a setting of `t2l train {context.command.name}` must be one of {sorted(known)}, got "
            f"{unknown[0]!r}"
        )
    now = dict(context.default_map or {})
    context.default_map = {**values, **now} if behind else {**now, **values}
