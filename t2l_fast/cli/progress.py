"""How far a command is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_PART = "seconds_"
_AT_ONCE = 256
"""Texts embedded between two steps of a bar."""

if TYPE_CHECKING:
    from t2l_fast.encoders import TextEncoder


def stage(text: str, silent: bool) -> None:
    """Print what a command begins to do, on stderr, before it takes its time."""
    if not silent:
        Console(stderr=True).print(f"{text} …", markup=False, highlight=False, soft_wrap=True)


def embed_ahead(encoder: TextEncoder, texts: Sequence[str], silent: bool) -> None:
    """Embed texts into an encoder's cache, with a bar and an estimate on stderr.

    Args:
        encoder: a `CachedEncoder`, which embeds no text twice.
        texts: all that a run will embed.
        silent: show no bar.

    Raises:
        EncoderError: a text is empty or longer than the encoder takes.
    """
    distinct = list(dict.fromkeys(texts))
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=silent) as bar:
        task = bar.add_task("embedding descriptions", total=len(distinct))
        for start in range(0, len(distinct), _AT_ONCE):
            chunk = distinct[start : start + _AT_ONCE]
            encoder.encode(chunk)
            bar.advance(task, len(chunk))


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
        if self.as_json:
            typer.echo(json.dumps(line))
        parts = {k.removeprefix(_PART): s for k, s in line.items() if k.startswith(_PART)}
        self.seconds.update(parts)
        columns: dict[str, Any] = {"loss": f"loss {line['loss']:.3f}"}
        if "tokens_per_second" in line:
            rate, peak = line["tokens_per_second"], line["peak_mb"]
            columns["loss"] += f", {rate:.0f} tokens/s, {peak:.0f} MB"
        names = {kind: f"{self.split}_{kind}" for kind in ("matched", "shuffled", "junk")}
        found = [f"{kind} {line[name]:.2f}" for kind, name in names.items() if name in line]
        if found:
            columns["measured"] = " ".join([f"{self.split}:", *found])
        phase = line.get("phase", self.what)
        self.bar.update(self.task, description=phase, completed=line["step"], **columns)

    def spent(self) -> str:
        """Where the time of all steps went; empty where no line said it."""
        whole = sum(self.seconds.values())
        shares = [f"{part} {s / whole:.0%}" for part, s in self.seconds.items() if whole]
        return f"time of the steps: {', '.join(shares)}" if shares else ""
