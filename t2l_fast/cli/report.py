"""`t2l report`: what training runs did, as plots and one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of training runs, finished or not.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; default: the run's, or report/ for several."),
    ] = None,
) -> None:
    """Draw curves of training runs: report.html, which needs no other file, and plots/*.png."""
    from t2l_fast.train.report import write_report

    folder = out or (runs[0] if len(runs) == 1 else Path("report"))
    typer.echo(write_report(runs, folder))
