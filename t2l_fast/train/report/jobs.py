"""The page of a run of many jobs: where each is, and curves of the first few."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from t2l_fast.train.adapters.record import ADAPTERS, JobResult, Record
from t2l_fast.train.report.document import Section, document
from t2l_fast.train.report.runs import Run

if TYPE_CHECKING:
    from t2l_fast.train.report.plots import Plot

DRAWN = 7
"""Jobs whose curves are laid over each other: as many as there are colours."""
_HEADS = ("job", "status", "steps", "loss", "held-out loss", "best step", "dropped rows", "reason")


def job_folders(folder: Path, record: Record) -> list[Path]:
    """Return the folders of the first jobs that have metrics."""
    folders = (folder / ADAPTERS / name for name in record.entries)
    return [path for path in folders if (path / "metrics.jsonl").exists()][:DRAWN]


def jobs_page(run: Run, record: Record, plots: list[Plot], of_jobs: list[Plot]) -> str:
    """Return the whole page; every text in it that comes from a file is escaped.

    Args:
        run: of all jobs together.
        record: where each job is.
        plots: of the run.
        of_jobs: of the first few jobs.
    """
    counts = Counter(result.status for result in record.entries.values())
    listed = ", ".join(f"{count} {status}" for status, count in counts.items())
    rows = {name: _cells(result) for name, result in record.entries.items()}
    sections = [Section("Jobs", rows, _HEADS)]
    for heading, drawn in (("All jobs", plots), (f"Jobs, the first {DRAWN}", of_jobs)):
        if drawn:
            sections.append(Section(heading, plots=drawn))
    status = f"{len(record.entries)} jobs: {listed}; {record.rounds} rounds"
    return document(run.name, status, sections)


def _cells(result: JobResult) -> tuple[str, ...]:
    best = "" if result.held_out_loss is None else str(result.best_step)
    return (
        result.status,
        f"{result.step} of {result.steps}",
        _number(result.loss),
        _number(result.held_out_loss),
        best,
        str(result.dropped or ""),
        result.reason,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
