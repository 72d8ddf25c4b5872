"""Options of a command from presets and files, and as a file that can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from t2l_fast.errors import ArgumentError, listed

_OF_A_CALL = {"out", "preset", "config_file", "print_config", "resume", "as_json"}
"""Arguments that say what is done now, not how."""


PRESETS = files("t2l_fast") / "presets" / "sft"
"""Folder of the YAML files that `--preset` names."""


def preset_names() -> list[str]:
    """Return the names that `--preset` takes."""
    names = (entry.name for entry in PRESETS.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def from_preset(context: typer.Context, value: str | None) -> str | None:
    """Put a preset's values in the place of defaults; a callback.

    Raises:
        ArgumentError: there is no such preset.
    """
    if value is not None:
        names = preset_names()
        if value not in names:
            raise ArgumentError(f"--preset must be one of {listed(names)}, got {value!r}")
        text = (PRESETS / f"{value}.yaml").read_text(encoding="utf-8")
        _set_defaults(context, _mapping(text), behind=True)
    return value


def from_file(context: typer.Context, value: Path | None) -> Path | None:
    """Put a YAML file's values in the place of defaults, before a preset's; a callback.

    Raises:
        ArgumentError: it holds no mapping, or another name than an option's.
    """
    if value is not None:
        try:
            read = _mapping(value.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            raise ArgumentError(
                f"--config must be a YAML mapping, got {value}: {reason}"
            ) from error
        _set_defaults(context, read)
    return value


def _mapping(text: str) -> dict[str, Any]:
    """Options by name, as YAML has them.

    Raises:
        ValueError: the text is no YAML mapping.
    """
    import yaml

    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    if not isinstance(read, dict):
        raise ValueError("it holds no mapping")
    return {str(name).replace("-", "_"): value for name, value in read.items()}


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Settings that come from files.

    Args:
        preset: mistral, llama, gemma: what the published runs used. smollm2: the last stage of
            the bundled checkpoint.
        config_file: YAML with options by their names; flags go before it, a preset behind.
        print_config: show every setting as JSON and stop.
    """

    preset: str | None = field(default=None, metadata={"callback": from_preset, "is_eager": True})
    config_file: Path | None = field(
        default=None, metadata={"flag": "--config", "callback": from_file, "is_eager": True}
    )
    print_config: bool = False


def settings(context: typer.Context, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of a call by its name, as plain data that `from_file` takes.

    Args:
        changes: values that something else than the options decided.
    """
    values = {name: context.params[name] for name in _names(context)} | dict(changes)
    return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}


def was_set(context: typer.Context, name: str) -> bool:
    """Return whether an option was set at all: by a flag, a file or a preset."""
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
            f"a setting of `t2l train {context.command.name}` must be one of "
            f"{listed(sorted(known))}, got {unknown[0]!r}"
        )
    now = dict(context.default_map or {})
    context.default_map = {**values, **now} if behind else {**now, **values}
