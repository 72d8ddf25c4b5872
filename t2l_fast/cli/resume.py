"""Whether there is a run to go on with, asked before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from t2l_fast.train import Processes


def check_run(out: Path, resume: bool, processes: Processes) -> None:
    """Say early what the trainer would say once models are loaded.

    Raises:
        CheckpointError: `--resume` was not given and OUT holds a run, a library or a generator, or
            it was and there is no run.
    """
    from t2l_fast.train.run.checkpoint import check_folder

    check_folder(out, resume, processes)
