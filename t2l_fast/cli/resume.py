"""Whether there is a run to go on with, asked before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from t2l_fast.errors import CheckpointError

if TYPE_CHECKING:
    from t2l_fast.train import Processes


def check_run(out: Path, resume: bool, processes: Processes) -> None:
    """Say early what the trainer would say once models are loaded.

    Raises:
        CheckpointError: `--resume` was not given and OUT holds a run, a library or a generator, or
            it was and there is no run.
    """
    from t2l_fast.train.run.checkpoint import FILE, ORACLES, check_free

    if not resume:
        check_free(out, processes)
    elif not processes.of_main(any((out / name).exists() for name in (FILE, ORACLES))):
        raise CheckpointError(
            f"there is no run to resume: {out / FILE} is missing; start without --resume"
        )
