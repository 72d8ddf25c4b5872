"""Commands, their flags, targets of make, and environment variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from docs.tools.claims.page import ROOT, Page

OTHERS_FLAGS = {
    "--cpu": "accelerate",
    "--minutes": "benchmarks/experiments/soak/run.py",
    "--no-deps": "pip",
    "--nproc-per-node": "torchrun",
    "--num_processes": "accelerate",
    "--quick": "t2l_kernel_tools.aot",
    "--strict": "mkdocs",
}
"""Flags of other programs, by who has them."""
OTHERS_VARIABLES = {
    "LD_PRELOAD": "the loader",
    "MALLOC_CONF": "jemalloc",
    "OMP_WAIT_POLICY": "OpenMP",
    "VLLM_CPU_OMP_THREADS_BIND": "vLLM",
}
"""Environment variables of other programs, by who reads them."""

_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_VARIABLE = re.compile(r"(?<![\w-])([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?==)")
_MAKE = re.compile(r"(?:^|`)make ([a-z]+)\b", re.M)


@cache
def _cli() -> Any:
    import typer.main

    from t2l_fast.cli import app

    return typer.main.get_command(app)


def _words(line: str) -> list[str] | None:
    """Return what follows `t2l` in a shell line, or None for another program's."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    while words and re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", words[0]):
        words = words[1:]
    if words[:1] == ["t2l"]:
        return words[1:]
    for i, pair in enumerate(pairwise(words)):
        if pair in (("-m", "t2l_fast"), ("-m", "t2l_fast.cli")):
            return words[i + 2 :]
    return None


def _command(words: list[str]) -> tuple[Any, list[str], str]:
    """Return the command that words name, the words after it, and what is wrong with it."""
    command = _cli()
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return command, [], f"no command `t2l {words[0]}` below `{command.name}`"
        command, words = command.commands[words[0]], words[1:]
    return command, words, ""


def _flags_of(command: Any) -> set[str]:
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}


@cache
def _every_flag() -> set[str]:
    def below(command: Any) -> Iterator[str]:
        yield from _flags_of(command)
        for child in getattr(command, "commands", {}).values():
            yield from below(child)

    return set(below(_cli()))


def commands(page: Page) -> list[str]:
    """Check that shell lines parse and that flags in prose exist."""
    import click

    wrong = []
    for line in page.lines():
        words = _words(line)
        if words is None:
            continue
        command, rest, message = _command(words)
        if not message and not hasattr(command, "commands") and "--help" not in rest:
            try:
                command.make_context("t2l", [w for w in rest if w not in ("…", "...")])
            except click.exceptions.UsageError as error:
                message = error.format_message()
            except Exception as error:  # typer may carry a click of its own
                message = getattr(error, "message", "") or repr(error)
        if message:
            wrong.append(f"{line}: {message}")
    for span in page.spans():
        words = _words(span)
        if words is not None:
            command, rest, message = _command([w for w in words if w != "…"])
            flags = {w.split("=")[0] for w in rest if _FLAG.match(w)}
            unknown = [] if message else sorted(flags - _flags_of(command))
            wrong += [f"{span}: {message}"] if message else [f"{span}: {f}" for f in unknown]
        elif span.startswith("--"):
            known = _every_flag() | OTHERS_FLAGS.keys()
            wrong += [
                f"{flag}: no command has it" for flag in _FLAG.findall(span) if flag not in known
            ]
    return wrong


def targets(page: Page) -> list[str]:
    """Check that targets of make exist."""
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = _MAKE.findall(page.text)
    return [f"make {name}: no such target" for name in named if name not in known]


def variables(page: Page) -> list[str]:
    """Check that our code reads the environment variables, or that another program does."""
    code = "\n".join([*page.blocks("bash", ""), *page.spans()])
    named = sorted(set(_VARIABLE.findall(code)) - OTHERS_VARIABLES.keys())
    return [f"{name}: no code reads it" for name in named if name not in _sources()]


@cache
def _sources() -> str:
    files = [p for top in ("t2l_fast", "kernels") for p in (ROOT / top).rglob("*.py")]
    return "\n".join(p.read_text(encoding="utf-8") for p in (*files, ROOT / "Makefile"))
