"""Whether a folder has a run to resume, or room for a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from t2l_fast.errors import CheckpointError
from t2l_fast.generators.parts.files import WEIGHTS_NAME
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.run.layout import CHECKPOINT, LIBRARY, ORACLES


def check_folder(
    folder: Path,
    resume: bool,
    processes: Processes | None = None,
    *,
    own: Sequence[str] = (CHECKPOINT, ORACLES),
) -> list[str]:
    """Check that a folder has a run to resume, or room for a new one.

    A new run would spoil a run, library or generator that is there.

    Args:
        folder: of the run; it may be missing.
        resume: whether the run goes on from what is there.
        processes: of the run; what the main one sees counts for all.
        own: files that a run of this kind can be resumed from.

    Returns:
        Those of `own` that are there.

    Raises:
        CheckpointError: there is nothing to resume, or (not resuming) something is there.
    """
    every = {*own, CHECKPOINT, ORACLES, LIBRARY, WEIGHTS_NAME}
    # asked once: files appear while slower processes still look
    here = (processes or Processes()).of_main({n for n in every if (folder / n).exists()})
    present = [name for name in own if name in here]
    if resume and not present:
        raise CheckpointError(
            f"there is no run to resume: {folder / own[0]} is missing; start without --resume"
        )
    if here and not resume:
        first = next(n for n in (CHECKPOINT, ORACLES, LIBRARY, WEIGHTS_NAME, *own) if n in here)
        advice = "resume that run, or " if first in own else ""
        raise CheckpointError(f"{folder} holds {first} already: {advice}name another folder")
    return present
