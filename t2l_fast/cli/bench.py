"""`t2l bench`: measurements on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="Measure on this machine.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure on this machine."""


@app.command()
def bank(
    adapters: Annotated[int, typer.Option(min=128, help="Registered in the end.")] = 1_000_000,
    store: Annotated[
        Path | None, typer.Option(help="A new SQLite file for a durable copy as well.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Batches of misses a size.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a size.")] = False,
) -> None:
    """Measure a bank's memory, hits and misses as it grows, beside the generator's matmuls."""
    from t2l_fast.bench.bank import BATCH, measure, reopened
    from t2l_fast.errors import ArgumentError

    if store is not None and store.exists():
        raise ArgumentError(f"--store must name a new file, got {store}: it would be filled")
    sizes = [n for n in (1_000, 10_000, 100_000) if n < adapters] + [adapters]
    columns = f"registered|bytes each|register µs|hit p50/p99 µs|{BATCH} misses ms|× matmuls"
    table = Table(*columns.split("|"), title="a bank over 128 slots")
    for row in measure(sizes, store=store, rounds=rounds):
        if as_json:
            typer.echo(json.dumps(asdict(row)))
        table.add_row(
            f"{row.adapters:,}",
            f"{row.bytes_each:.0f}" if row.adapters >= 100_000 else "—",
            f"{row.register_us:.1f}",
            f"{row.hit_us_p50:.0f} / {row.hit_us_p99:.0f}",
            f"{row.miss_ms:.1f}",
            f"{row.miss_ms / row.matmul_ms:.2f}",
        )
    if not as_json:
        Console().print(table)
    if store is not None:
        count, seconds = reopened(store)
        Console(stderr=as_json).print(f"read again from {store}: {count:,} in {seconds:.1f} s")
