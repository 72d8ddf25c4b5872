"""Whether there is a run to go on with: asked before anything is loaded, told after Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from t2l_fast.train.run.layout import CHECKPOINT, ORACLES

if TYPE_CHECKING:
    from t2l_fast.train import Processes


def check_run(out: Path, resume: bool, processes: Processes) -> None:
    """Say early what the trainer would say once models are loaded.

    Raises:
        CheckpointError: `--resume` was not given and OUT holds a run, a library or a generator, or
            it was and there is no run.
    """
    from t2l_fast.train.run.folder import check_folder

    check_folder(out, resume, processes)


@contextmanager
def resumable(
    out: Path, processes: Processes, files: Sequence[str] = (CHECKPOINT, ORACLES)
) -> Iterator[None]:
    """Say on Ctrl-C how the run in OUT goes on; the interruption goes its way.

    Args:
        processes: of the run; the main one speaks.
        files: from which a run of this kind is resumed.
    """
    try:
        yield
    except KeyboardInterrupt:
        if processes.main:
            there = any((out / name).exists() for name in files)
            says = "the same command with --resume goes on from the last checkpoint"
            text = says if there else "there is no checkpoint yet, so it starts anew"
            Console(stderr=True).print(f"stopped: {text}", markup=False, soft_wrap=True)
        raise
