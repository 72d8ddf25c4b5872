"""Options of a command from the fields of config dataclasses."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from annotated_types import Ge, Le

from t2l_fast.bounds import bounds_of, described

_ENTRY = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): ?(?P<text>.*(?:\n {5,}\S.*)*)", re.MULTILINE)
_ARGS = re.compile(r"^\s*Args:\n(?P<body>(?:(?: {4,}.*)?\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Fields:
    """Mark a command's parameter whose fields become options.

    Args:
        config: the dataclass, or several, of which the first with a field decides; None = the type
            that is annotated.
        only: fields that become options; empty = all.
        flags: option strings of a field, as "--yes/--no". Else its metadata's "flag", else
            `--its-name`. Further metadata goes to `typer.Option`.
        arguments: fields that are given by position.
        help: help of a field, for a command where the dataclass's own does not fit.
        defaults: a command's default where it differs from the dataclass's.
    """

    config: type | tuple[type, ...] | None = None
    only: Sequence[str] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    help: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def from_configs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each parameter marked with `Fields` by an option per field.

    Defaults, bounds, choices and help come from the dataclass: its values, its
    `Annotated` types and the "Args:" of its docstring. The command gets an instance of the
    annotated dataclass, or a dict where `dict` is annotated.

    Raises:
        TypeError: two configs have a field of the same name.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: dict[str, inspect.Parameter] = {}
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        marks = [m for m in getattr(hints[name], "__metadata__", ()) if isinstance(m, Fields)]
        if not marks:
            parameters[name] = parameter.replace(annotation=hints[name])
            continue
        kind = get_args(hints[name])[0]
        configs = marks[0].config or kind
        options: dict[str, inspect.Parameter] = {}
        for config in configs if isinstance(configs, tuple) else (configs,):
            options = {o.name: o for o in options_of(config, marks[0])} | options
        groups[name] = kind, list(options)
        for option in options.values():
            if option.name in parameters:
                raise TypeError(f"two configs of {command.__name__} have a field {option.name}")
            parameters[option.name] = option

    @functools.wraps(command)
    def call(**values: Any) -> Any:
        for name, (kind, names) in groups.items():
            values[name] = kind(**{option: values.pop(option) for option in names})
        return command(**values)

    listed = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters.values()]
    call.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in listed}
    return call


def options_of(config: type, mark: Fields) -> Iterator[inspect.Parameter]:
    """Yield a parameter, as typer reads it, for every field of a dataclass."""
    hints, texts = get_type_hints(config, include_extras=True), field_help(config)
    for entry in fields(config):
        if mark.only and entry.name not in mark.only:
            continue
        hint, default = hints[entry.name], mark.defaults.get(entry.name, _default(entry))
        limits = bounds_of(hint)
        lowest = next((limit.ge for limit in limits if isinstance(limit, Ge)), None)
        highest = next((limit.le for limit in limits if isinstance(limit, Le)), None)
        text = mark.help.get(entry.name, texts.get(entry.name, ""))
        if any(not isinstance(limit, Ge | Le) for limit in limits):  # click shows none of these
            text = f"{text} Must be {described(limits)}."
        yield inspect.Parameter(
            entry.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[
                _plain(hint),
                _parameter(
                    entry,
                    default,
                    mark,
                    help=text.strip() or None,
                    min=lowest,  # type: ignore[arg-type]
                    max=highest,  # type: ignore[arg-type]
                ),
            ],
        )


def _parameter(entry: Field[Any], default: Any, mark: Fields, **about: Any) -> Any:
    """Return typer's marker of a field: an argument, or an option with its flag."""
    if entry.name in mark.arguments:
        return typer.Argument(**about)
    more = {k: v for k, v in entry.metadata.items() if k != "flag"}
    flag = mark.flags.get(entry.name) or entry.metadata.get("flag") or _flag(entry, default)
    return typer.Option(flag, **about, **more)


def field_help(config: type) -> dict[str, str]:
    """Return the sentences about each field in the "Args:" of a docstring and its bases'."""
    texts: dict[str, str] = {}
    for base in reversed(config.__mro__):
        block = _ARGS.search(inspect.cleandoc(base.__doc__ or "") + "\n")
        for entry in _ENTRY.finditer(block["body"]) if block else ():
            text = " ".join(entry["text"].split())
            texts |= dict.fromkeys(entry["names"].split(", "), text[:1].upper() + text[1:])
    return texts


def _default(entry: Field[Any]) -> Any:
    if entry.default_factory is not MISSING:
        return entry.default_factory()
    return inspect.Parameter.empty if entry.default is MISSING else entry.default


def _plain(hint: Any) -> Any:
    """The type without bounds, which typer can't read."""
    if get_origin(hint) is Annotated:
        return get_args(hint)[0]
    if type(None) in get_args(hint):
        return _plain(next(part for part in get_args(hint) if part is not type(None))) | None
    return hint


def _flag(entry: Field[Any], default: Any) -> str:
    """The option string of a field: a switch that is off by default has no `--no-…`."""
    name = entry.name.replace("_", "-")
    return f"--{name}/--no-{name}" if default is True else f"--{name}"
