"""How far a command is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """A bar on stderr, or JSON lines on stdout."""

    def __init__(self, what: str, total: int, as_json: bool) -> None:
        self.as_json = as_json
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json,
        )
        self.task = self.bar.add_task(what, total=total, loss="")

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self.bar.start()
        return self.note

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def note(self, line: dict[str, Any]) -> None:
        if self.as_json:
            typer.echo(json.dumps(line))
        self.bar.update(self.task, completed=line["step"], loss=f"loss {line['loss']:.3f}")
