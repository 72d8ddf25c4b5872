"""Tables and plots of what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

Report = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""condition → split → `{"exact_match", "rows", …}`, as `evaluate` gives it."""


def table(report: Report) -> Table:
    """Return a table of exact match, one row per condition and one column per split."""
    splits = list(next(iter(report.values())))
    grid = Table("condition", *(f"{name} ({_rows(report, name)} rows)" for name in splits))
    for condition, scores in report.items():
        grid.add_row(condition, *(f"{scores[name]['exact_match']:.3f}" for name in splits))
    return grid


def plot(report: Report, path: Path) -> None:
    """Draw a bar chart of the same numbers, as PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    splits = list(next(iter(report.values())))
    figure = Figure(figsize=(1.5 + 2.6 * len(splits), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    width = 0.8 / len(report)
    for i, (condition, scores) in enumerate(report.items()):
        places = [x + (i - (len(report) - 1) / 2) * width for x in range(len(splits))]
        bars = axes.bar(places, [scores[s]["exact_match"] for s in splits], width, label=condition)
        axes.bar_label(bars, fmt="%.2f", fontsize=7, rotation=90, padding=2)
    axes.set_xticks(range(len(splits)), [name.replace("_", " ") for name in splits])
    axes.set_ylabel("exact match")
    axes.set_ylim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(path, dpi=150)


def _rows(report: Report, split: str) -> int:
    return next(iter(report.values()))[split]["rows"]
