"""`t2l generators`: the kinds of generators that commands take."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from t2l_fast.generators import Generator, kinds, registration


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: what `--generator` takes, what it reads and makes."""

    kind: str
    reads: str
    makes: str
    summary: str


def rows() -> list[Kind]:
    """Return a row for every registered kind."""
    entries = [registration(kind) for kind in kinds()]
    shares = {entry.kind: entry.model.bases is not Generator.bases for entry in entries}
    return [
        Kind(e.kind, e.condition, "lora, core" if shares[e.kind] else "lora", e.summary)
        for e in entries
    ]


def generators(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a kind.")] = False,
) -> None:
    """List the kinds of generators: what each reads, what it makes."""
    table = Table("kind", "reads", "makes", "summary")
    for row in rows():
        if as_json:
            typer.echo(json.dumps(asdict(row)))
        table.add_row(row.kind, row.reads, row.makes, row.summary)
    if not as_json:
        Console().print(table)
