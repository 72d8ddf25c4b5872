"""The page about one run or several: numbers, curves and settings."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from t2l_fast.train.report.document import Section, document
from t2l_fast.train.report.runs import KINDS, Run

if TYPE_CHECKING:
    from t2l_fast.train.report.plots import Plot


def page(runs: Sequence[Run], plots: Sequence[Plot]) -> str:
    """Return the whole page; every text in it that comes from a file is escaped.

    Args:
        runs: one or several, which stand side by side.
        plots: of all of them.
    """
    one = len(runs) == 1
    heads = () if one else ("", *(run.name for run in runs))
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    rows = {name: [_text(run.settings.get(name, "—")) for run in runs] for name in names}
    differing = {name: cells for name, cells in rows.items() if len(set(cells)) > 1}
    sections = [Section("Numbers", _numbers(runs), heads)]
    if plots:
        sections.append(Section("Curves", plots=plots))
    if differing:
        sections.append(Section("Settings that differ", differing, heads))
    if rows:
        sections.append(Section("Settings", rows, heads, open=one))
    status = _status(runs[0]) if one else ""
    return document(" · ".join(run.name for run in runs), status, sections)


def _status(run: Run) -> str:
    """Return one line: the progress, the loss and the best measure."""
    phrases = [_progress(run)]
    losses = run.series("loss")[1]
    if losses:
        phrases.append(f"loss {_text(losses[-1])}")
    if run.best is not None:
        phrases.append(f"best {_best(run.best)}")
    return "; ".join(phrases)


def _numbers(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return label → one cell a run."""
    rows = {"steps done": [_progress(run) for run in runs]}
    rows["time in steps"] = [_duration(sum(run.series("seconds")[1])) for run in runs]
    rows["loss, mean of the last tenth"] = [_last_tenth(run.series("loss")[1]) for run in runs]
    for split in dict.fromkeys(split for run in runs for split in run.splits):
        for kind in KINDS:
            cells = [_accuracy(run, f"{split}_{kind}", kind == "matched") for run in runs]
            if any(cells):
                rows[f"{split.replace('_', ' ')}, {kind}"] = cells
    rows["kept in best/"] = [_best(run.best) if run.best else "" for run in runs]
    rates = [run.series("tokens_per_second")[1] for run in runs]
    rows["tokens per second, median"] = [f"{median(y):,.0f}" if y else "" for y in rates]
    peaks = [run.series("peak_mb")[1] for run in runs]
    rows["peak memory"] = [f"{max(y):,.0f} MB" if y else "" for y in peaks]
    return {label: [c or "—" for c in cells] for label, cells in rows.items() if any(cells)}


def _accuracy(run: Run, name: str, best: bool) -> str:
    steps, values = run.series(name)
    if not values:
        return ""
    top = max(values)
    higher = best and top > values[-1]
    more = f" (highest {top:.3f}, step {steps[values.index(top)]})" if higher else ""
    return f"{values[-1]:.3f}{more}"


def _progress(run: Run) -> str:
    if run.lines:
        of = "" if run.total is None else f" of {run.total}"
        return f"{run.lines[-1]['step']}{of} {run.unit.removesuffix('s')}s"
    if run.phases:
        phase, lines = list(run.phases.items())[-1]
        return f"warm start: {phase} {_text(lines[-1].get('done'))} of {_text(lines[-1].get('of'))}"
    return "no steps yet"


def _best(best: dict[str, Any]) -> str:
    return f"{best['measure']} {best['value']:.3f}, step {best['step']}"


def _last_tenth(values: list[float]) -> str:
    return _text(fmean(values[-max(1, len(values) // 10) :])) if values else ""


def _duration(seconds: float) -> str:
    if not seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
