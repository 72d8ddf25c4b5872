"""What mkdocs calls while it builds the site: the page of commands, and pages that nav omits."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = "commands.md"
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


def completed(nav: list[Any]) -> list[Any]:
    """Append to each section the pages of its folder that it omits, in the order of their names."""
    for section in nav:
        entries = next(iter(section.values()))
        if not isinstance(entries, list):
            continue
        listed = [e if isinstance(e, str) else next(iter(e.values())) for e in entries]
        folders = {str(Path(page).parent) for page in listed} - {"."}
        for folder in sorted(folders):
            found = sorted((DOCS / folder).glob("*.md"))
            pages = [path.relative_to(DOCS).as_posix() for path in found]
            entries += [page for page in pages if page not in listed]
    return nav


def on_config(config: Any) -> Any:
    """Complete the navigation (mkdocs calls it)."""
    config["nav"] = completed(config["nav"])
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the page to the site (mkdocs calls it)."""
    from mkdocs.structure.files import File

    for folder in (ROOT, ROOT / "kernels"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    files.append(File.generated(config, PAGE, content=page()))
    return files
