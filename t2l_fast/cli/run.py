"""Options of every training run, and how its end is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is followed.

    Args:
        track: tensorboard, wandb; repeatable.
        resume: continue the run in OUT.
        as_json: metrics as JSON lines.
    """

    track: list[str] | None = None
    resume: bool = False
    as_json: bool = field(default=False, metadata={"flag": "--json"})


def report_end(best: Any, spent: str, out: Path, console: Console) -> None:
    """Print how a run ended, where its time went and where its results are.

    Args:
        best: the trainer's record of the best generator.
        spent: shares of the time; empty = unknown.
        out: folder of the run.
        console: where to print.
    """
    from t2l_fast.train.report import write_report

    if best.exhausted:
        console.print(f"stopped: {best.without} evaluations in a row were no better", markup=False)
    if spent:
        console.print(spent, markup=False)
    console.print(f"written to {out}", markup=False)
    if best.value is not None:
        reached = f"{best.measure} {best.value:.3f}, step {best.step}"
        console.print(f"the best so far ({reached}) is in {best.folder}", markup=False)
    if find_spec("matplotlib") is not None:
        console.print(f"report: {write_report([out], out)}", markup=False)
