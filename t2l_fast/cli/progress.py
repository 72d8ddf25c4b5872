"""How far a command is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

_PART = "seconds_"


def stage(text: str, silent: bool) -> None:
    """Print what a command begins to do, on stderr, before it takes its time."""
    if not silent:
        Console(stderr=True).print(f"{text} …", markup=False, highlight=False, soft_wrap=True)


class StageBars:
    """A bar with an estimate for each stage before the first step, on stderr.

    It is what trainers take as `progress`; a `with` block ends the last bar.

    Args:
        silent: show nothing.
    """

    _SAYS = {
        "embedding": "embedding descriptions",
        "reading": "reading the data of jobs",
        "tokenising": "tokenising examples of tasks",
    }

    def __init__(self, silent: bool) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        console = Console(stderr=True)
        self._bars = Progress(*columns, TimeRemainingColumn(), console=console, disable=silent)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> StageBars:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(self._SAYS.get(stage, stage), total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


class Bar:
    """A bar on stderr, or JSON lines on stdout.

    Args:
        split: whose accuracies are shown; empty = none.
    """

    def __init__(self, what: str, total: int, as_json: bool, split: str = "") -> None:
        self.what, self.as_json, self.split = what, as_json, split
        self.seconds: Counter[str] = Counter()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[measured]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json,
        )
        self.task = self.bar.add_task(what, total=total, loss="", measured="")

    def __enter__(self) -> Callable[[dict[str, Any]], None]:
        self.bar.start()
        return self.note

    def __exit__(self, *exc: object) -> None:
        self.bar.stop()

    def note(self, line: dict[str, Any]) -> None:
        """Show a step: as JSON, and beside the bar its loss, speed and score."""
        if self.as_json:
            typer.echo(json.dumps(line))
        parts = {k.removeprefix(_PART): s for k, s in line.items() if k.startswith(_PART)}
        self.seconds.update(parts)
        columns: dict[str, Any] = {"loss": f"loss {line['loss']:.3f}"}
        if "tokens_per_second" in line:
            rate, peak = line["tokens_per_second"], line["peak_mb"]
            columns["loss"] += f", {rate:.0f} tokens/s, {peak:.0f} MB"
        names = {kind: f"{self.split}_{kind}" for kind in ("matched", "shuffled", "junk")}
        accuracies = [f"{kind} {line[name]:.2f}" for kind, name in names.items() if name in line]
        if accuracies:
            columns["measured"] = " ".join([f"{self.split}:", *accuracies])
        phase = line.get("phase", self.what)
        self.bar.update(self.task, description=phase, completed=line["step"], **columns)

    def spent(self) -> str:
        """Return where the time of all steps went; empty where no line has it."""
        whole = sum(self.seconds.values())
        shares = [f"{part} {s / whole:.0%}" for part, s in self.seconds.items() if whole]
        return f"time of the steps: {', '.join(shares)}" if shares else ""
