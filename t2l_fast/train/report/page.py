"""One HTML page about one run or several, with nothing to load."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from t2l_fast.train.report.runs import KINDS, Run
from t2l_fast.version import __version__

if TYPE_CHECKING:
    from t2l_fast.train.report.plots import Plot

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1.2rem; max-width: 76rem; background: #fff; color: #1d1d1f;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
p { margin: .2rem 0; color: #555; }
.plots { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
figure { margin: 0; padding: .5rem; border: 1px solid #e4e4e4; border-radius: .5rem; }
img { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #ececec; }
thead th { border-bottom: 2px solid #bbb; white-space: nowrap; }
tbody th { min-width: 7.5rem; font-weight: 400; color: #555;
  position: sticky; left: 0; background: #fff; }
td { min-width: 8rem; max-width: 26rem; overflow-wrap: anywhere; }
summary { cursor: pointer; margin: 2rem 0 .6rem; font-size: 1.1rem; font-weight: 700; }
footer { margin-top: 2.5rem; font-size: .85rem; color: #777; }
"""


def page(runs: Sequence[Run], plots: Sequence[Plot]) -> str:
    """Return the whole page; every text in it that comes from a file is escaped."""
    title = " · ".join(run.name for run in runs)
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    rows = {name: [_text(run.settings.get(name, "—")) for run in runs] for name in names}
    differing = {name: cells for name, cells in rows.items() if len(set(cells)) > 1}
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(_status(run))}</p>" for run in runs if len(runs) == 1),
        "<h2>Numbers</h2>",
        _table(runs, _numbers(runs)),
    ]
    if plots:
        parts += ["<h2>Curves</h2>", '<div class="plots">', *map(figure, plots), "</div>"]
    if differing:
        parts += ["<h2>Settings that differ</h2>", _table(runs, differing)]
    if rows:
        parts += [f"<details{' open' if len(runs) == 1 else ''}><summary>Settings</summary>"]
        parts += [_table(runs, rows), "</details>"]
    return document(title, parts)


def document(title: str, parts: Sequence[str]) -> str:
    """Return a page around its parts."""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            *parts,
            f"<footer>t2l_fast {escape(__version__)}</footer>\n</body>\n</html>\n",
        ]
    )


def _status(run: Run) -> str:
    """One line: how far, and how good."""
    phrases = [_progress(run)]
    losses = run.series("loss")[1]
    if losses:
        phrases.append(f"loss {_text(losses[-1])}")
    if run.best is not None:
        phrases.append(f"best {_best(run.best)}")
    return "; ".join(phrases)


def _numbers(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Row → one cell a run."""
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


def figure(plot: Plot) -> str:
    """Return a picture with its own data."""
    source = b64encode(plot.png).decode()
    return f'<figure><img alt="{escape(plot.title)}" src="data:image/png;base64,{source}"></figure>'


def _table(runs: Sequence[Run], rows: dict[str, list[str]]) -> str:
    head = ""
    if len(runs) > 1:
        cells = "".join(f'<th scope="col">{escape(run.name)}</th>' for run in runs)
        head = f"<thead><tr><th></th>{cells}</tr></thead>"
    body = "\n".join(
        f'<tr><th scope="row">{escape(label)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for label, cells in rows.items()
    )
    return f'<div class="wide"><table>{head}<tbody>\n{body}\n</tbody></table></div>'
