"""The page of commands and their options, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

HEAD = """# Commands

Every command with its arguments and options, as `--help` shows them. Options come from the config
dataclasses, so their defaults are those of the [API reference](api/index.md).
"""


def leaves(command: Any, path: tuple[str, ...] = ("t2l",)) -> Iterator[tuple[str, Any]]:
    """Yield (name, command) of every command that is not a group."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
        return
    for name, child in below.items():
        yield from leaves(child, (*path, name))


def section(name: str, command: Any) -> str:
    """Return one command's heading, help and tables."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(_metavar(p) for p in arguments)
    lines = [f"## {name}", "", f"`{name} {usage} [OPTIONS]`".replace("  ", " "), ""]
    lines += [command.help or "", ""]
    if arguments:
        rows = [
            (f"`{_metavar(p)}`", _default(p), getattr(p, "help", None) or "") for p in arguments
        ]
        lines += [_table(("argument", "default", ""), rows), ""]
    if options:
        rows = [(_flags(p), _default(p), p.help or "") for p in options]
        lines += [_table(("option", "default", ""), rows), ""]
    return "\n".join(lines)


def _metavar(argument: Any) -> str:
    name = (argument.name or "").upper() + ("…" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _flags(option: Any) -> str:
    on, off = ", ".join(option.opts), ", ".join(option.secondary_opts)
    return f"`{on}`" + (f", `{off}`" if off else "")


def _default(param: Any) -> str:
    if param.required:
        return "required"
    value = param.default() if callable(param.default) else param.default
    return "" if value in (None, "", ()) or value is False else f"`{value}`"


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(str(c).replace("|", "/").split()) for c in line) + " |"
        for line in lines
    )


def page() -> str:
    """Return the page."""
    import typer.main

    from t2l_fast.cli import app

    return "\n".join([HEAD, *(section(*leaf) for leaf in leaves(typer.main.get_command(app)))])
