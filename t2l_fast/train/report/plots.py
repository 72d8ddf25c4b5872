"""Curves of one run, or of several laid over each other, as PNG."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from t2l_fast.train.report.runs import KINDS, Run
from t2l_fast.train.run.clock import PARTS

# Okabe and Ito's palette, which colour-blind people can tell apart
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = {"matched": "-", "shuffled": "--", "junk": ":"}
_KIND_COLOURS = {"matched": "#0072B2", "shuffled": "#D55E00", "junk": "#6B6B6B"}
_LOOK = {
    "axes.edgecolor": "#8A8A8A",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "font.size": 11,
    "grid.color": "#E4E4E4",
    "legend.fontsize": 10,
    "legend.frameon": False,
    # names come from folders and files
    "text.parse_math": False,
}
_MANY = 400


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: `name` is its file's, `title` says what it shows."""

    name: str
    title: str
    png: bytes


def draw(runs: Sequence[Run]) -> list[Plot]:
    """Draw every plot that the runs have numbers for."""
    with matplotlib.rc_context(cast(Any, _LOOK)):
        return [
            Plot(_slug(name), title, _png(figure)) for name, title, figure in _figures(list(runs))
        ]


def _figures(runs: list[Run]) -> Iterator[tuple[str, str, Figure]]:
    yield from _curve(runs, "loss", "Loss", "loss")
    yield from _curve(runs, "held_out_loss", "Loss on held-out rows", "loss", smooth=False)
    for split in dict.fromkeys(split for run in runs for split in run.splits):
        title = f"Exact match, {split.replace('_', ' ')}"
        yield f"accuracy_{split}", title, _by_kind(runs, f"{split}_", "", title, "share right")
    if any(run.series("matched_loss")[0] for run in runs):
        title = "Reconstruction under a task's own description and another's"
        yield "matched_loss", title, _by_kind(runs, "", "_loss", title, "loss")
    yield from _curve(runs, "learning_rate", "Learning rate", "learning rate", smooth=False)
    yield from _curve(runs, "gradient_norm", "Gradient norm before clipping", "norm")
    timed = [run for run in runs if run.series("seconds")[0]]
    if timed:
        yield "time", "Where a step's time goes", _time(timed)
    for phase in dict.fromkeys(phase for run in runs for phase in run.phases):
        yield f"warm_start_{phase}", f"Warm start, {phase}", _phase(runs, phase)


def _curve(
    runs: list[Run], name: str, title: str, label: str, *, smooth: bool = True
) -> Iterator[tuple[str, str, Figure]]:
    """One metric over the steps: faint as it was, strong as means of stretches."""
    drawn = [(i, run) for i, run in enumerate(runs) if run.series(name)[0]]
    if not drawn:
        return
    figure, axes = _axes(title, runs)
    axes.set_ylabel(label)
    everything = []
    for i, run in drawn:
        x, y = map(np.asarray, run.series(name))
        everything.append(y)
        averaged = smooth and len(x) > 60
        options: dict[str, Any] = {"color": _colour(i), "label": run.name}
        if averaged:
            axes.plot(*_means(x, y, _MANY), color=_colour(i), alpha=0.25, linewidth=0.8)
            axes.plot(*_means(x, y, 40), linewidth=2.0, **options)
        else:
            marker = "o" if len(x) < 20 else None
            axes.plot(*_means(x, y, _MANY), marker=marker, markersize=3.5, linewidth=1.8, **options)
    values = np.concatenate(everything)
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 50 * values.min() and smooth:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter("{x:.3g}")
    _legend(figure, axes, runs)
    yield name, title, figure


def _by_kind(runs: list[Run], before: str, after: str, title: str, label: str) -> Figure:
    """Draw a metric for each kind of description.

    One run has a colour for each kind. Several have a colour for each run and a line style for
    each kind.

    Args:
        before: part of the metrics' names before the kind.
        after: part of the metrics' names after the kind.
    """
    figure, axes = _axes(title, runs)
    axes.set_ylabel(label)
    top, starred = 0.0, False
    share = label == "share right"
    drawn: set[str] = set()
    styles: dict[str, str] = {}
    for i, run in enumerate(runs):
        for kind in KINDS:
            x, y = run.series(f"{before}{kind}{after}")
            if not x:
                continue
            top, styles[kind] = max([top, *y]), STYLES[kind]
            drawn.add(run.name)
            axes.plot(
                x,
                y,
                STYLES[kind],
                color=_KIND_COLOURS[kind] if len(runs) == 1 else _colour(i),
                marker="o" if len(x) < 20 else None,
                markersize=3.5,
                linewidth=2.0 if kind == "matched" else 1.5,
            )
        if run.best is not None and run.best["measure"] == f"{before}matched{after}":
            axes.plot(
                run.best["step"],
                run.best["value"],
                "*",
                color=_KIND_COLOURS["matched"] if len(runs) == 1 else _colour(i),
                markersize=15,
                markeredgecolor="white",
                zorder=3,
            )
            starred = True
    top = max(top, 0.1) if share else top or 1.0
    axes.set_ylim(-0.02 * top, min(1.15 * top, 1.05) if share else 1.15 * top)
    names = {
        run.name: Line2D([], [], color=_colour(i))
        for i, run in enumerate(runs)
        if len(runs) > 1 and run.name in drawn
    }
    for kind, style in styles.items():
        colour = _KIND_COLOURS[kind] if len(runs) == 1 else "#444444"
        names[kind] = Line2D([], [], linestyle=cast(Any, style), color=colour)
    if starred:
        names["kept as the best"] = Line2D([], [], marker="*", color="#444444", linestyle="")
    _below(figure, list(names.values()), list(names))
    return figure


def _time(runs: list[Run]) -> Figure:
    """Draw the time of one run over its steps, or the medians of several runs."""
    figure, axes = _axes("Where a step's time goes", runs)
    parts = [part for part in PARTS if any(run.series(f"seconds_{part}")[0] for run in runs)]
    names = [f"seconds_{part}" for part in parts] or ["seconds"]
    labels = parts or ["step"]
    (only,) = runs if len(runs) == 1 else (None,)
    if only is not None and len(only.lines) > 2:
        series = [[np.asarray(part) for part in only.series(name)] for name in names]
        columns = [_means(x, y, 100) for x, y in series]
        whole = sum(float(np.sum(y)) for _, y in columns) or 1.0
        shares = [float(np.sum(y)) / whole for _, y in columns]
        axes.stackplot(
            columns[0][0],
            *(y for _, y in columns),
            labels=[f"{label} {share:.0%}" for label, share in zip(labels, shares, strict=True)],
            colors=COLOURS,
            alpha=0.85,
        )
        axes.set_ylabel("seconds a step")
        axes.set_ylim(bottom=0)
    else:
        places = list(range(len(runs)))
        left = np.zeros(len(runs))
        for i, (name, label) in enumerate(zip(names, labels, strict=True)):
            # a run of another kind has no such part
            width = np.array([float(np.median(run.series(name)[1] or [0.0])) for run in runs])
            axes.barh(places, width, left=left, label=label, color=COLOURS[i], alpha=0.85)
            left += width
        axes.set_yticks(places, [run.name[-24:] for run in runs])
        axes.invert_yaxis()
        axes.set_xlabel("seconds a step, median")
    _legend(figure, axes, runs, always=True)
    return figure


def _phase(runs: list[Run], phase: str) -> Figure:
    figure, axes = _axes(f"Warm start, {phase}", runs)
    axes.set_xlabel("task LoRAs trained" if phase == "oracles" else "step of the fit")
    axes.set_ylabel("loss")
    for i, run in enumerate(runs):
        lines = run.phases.get(phase, [])
        x, y = [line["done"] for line in lines], [line["loss"] for line in lines]
        marker = "o" if len(x) < 20 else None
        axes.plot(x, y, color=_colour(i), label=run.name, marker=marker, markersize=3.5)
    _legend(figure, axes, runs)
    return figure


def _axes(title: str, runs: list[Run]) -> tuple[Figure, Any]:
    figure = Figure(figsize=(6.4, 3.7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.set_title(title)
    axes.set_xlabel(" / ".join(dict.fromkeys(run.unit for run in runs)))
    axes.margins(x=0.02)
    return figure, axes


def _legend(figure: Figure, axes: Any, runs: list[Run], *, always: bool = False) -> None:
    if always or len(runs) > 1:
        _below(figure, *axes.get_legend_handles_labels())


def _below(figure: Figure, lines: list[Any], names: list[str]) -> None:
    """A legend with as many columns as its names leave room for."""
    names = [name if len(name) <= 48 else f"…{name[-47:]}" for name in names]
    columns = max(1, min(4, 80 // (max(map(len, names)) + 8)))
    figure.legend(lines, names, loc="outside lower center", ncols=columns)


def _means(x: np.ndarray, y: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of at most so many stretches of equal length."""
    if len(x) <= count:
        return x, y
    parts = [np.array_split(values, count) for values in (x, y)]
    means = [np.array([part.mean() for part in own]) for own in parts]
    return means[0], means[1]


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:80]


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    return buffer.getvalue()
