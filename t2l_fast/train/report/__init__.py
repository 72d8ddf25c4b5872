"""A run's metrics as plots, and as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from t2l_fast.errors import MissingPackage
from t2l_fast.files import replace_files
from t2l_fast.train.adapters.record import FILE, read_record
from t2l_fast.train.report.jobs import job_folders, jobs_page
from t2l_fast.train.report.page import page
from t2l_fast.train.report.runs import read_runs

PAGE = "report.html"
PLOTS = "plots"


def write_report(folders: Sequence[str | Path], out: str | Path) -> Path:
    """Write `report.html`, which needs no other file, and its plots as `plots/*.png`.

    Of a run of many jobs the page lists where each is.

    Args:
        folders: of runs, finished or not; several are laid over each other.
        out: folder.

    Returns:
        The page's path.

    Raises:
        MissingPackage: matplotlib is not installed.
        CheckpointError: a folder holds no metrics, or damaged ones.
    """
    if find_spec("matplotlib") is None:
        raise MissingPackage(
            "a report needs the package matplotlib, which is not installed: pip install matplotlib"
        )
    from t2l_fast.train.report.plots import draw

    runs = read_runs(folders)
    plots = draw(runs)
    out = Path(out)
    if len(runs) == 1 and (Path(folders[0]) / FILE).exists():
        record = read_record(folders[0])
        own = read_runs(job_folders(Path(folders[0]), record))
        of_jobs = [replace(plot, name=f"jobs_{plot.name}") for plot in draw(own)] if own else []
        text = jobs_page(runs[0], record, plots, of_jobs)
        plots = [*plots, *of_jobs]
    else:
        text = page(runs, plots)
    if plots:
        replace_files(out / PLOTS, {f"{plot.name}.png": plot.png for plot in plots})
    replace_files(out, {PAGE: text.encode()})
    return out / PAGE


__all__ = ["PAGE", "PLOTS", "read_runs", "write_report"]
