"""The record of a run: which jobs wait, run and have ended, committed as one file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from t2l_fast.errors import CheckpointError
from t2l_fast.files import replace_files

FILE = "jobs.json"
"""Status of every job; what a run is resumed from."""
CHECKPOINTS = "checkpoints"
"""Folder of running jobs' checkpoints, one folder a round."""
ADAPTERS = "adapters"
"""Folder of the jobs' folders."""
WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"


@dataclass(slots=True)
class JobResult:
    """Where one job is.

    Fields:
        status: "waiting", "running", "done", "stopped" early or "failed".
        step: steps that are done.
        steps: of the whole job.
        loss: of the last step.
        held_out_loss: the lowest on held-out rows.
        best_step: after how many steps that was.
        dropped: rows with nothing to learn within `max_length`.
        reason: why it failed.
        settings: what a resumed job must agree with; empty while it waits.
    """

    status: str = WAITING
    step: int = 0
    steps: int = 0
    loss: float | None = None
    held_out_loss: float | None = None
    best_step: int = 0
    dropped: int = 0
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether it takes no more steps."""
        return self.status in (DONE, STOPPED, FAILED)


@dataclass(slots=True)
class Record:
    """Where all jobs of a run are.

    Fields:
        rounds: that are done; in a round every running job takes one step.
        base: what the base model is, which a resumed run must agree with.
        running: names, in the order of their slots.
        entries: name → where it is.
    """

    rounds: int
    base: dict[str, Any]
    running: list[str]
    entries: dict[str, JobResult]

    def commit(self, folder: Path) -> None:
        """Write the record; checkpoints of other rounds are removed after it."""
        text = json.dumps(asdict(self), indent=1) + "\n"
        replace_files(folder, {FILE: text.encode()})
        keep_round(folder, self.rounds if self.running else None)


def checkpoint_folder(folder: Path, rounds: int, name: str) -> Path:
    """Return where a running job's checkpoint of a round is."""
    return folder / CHECKPOINTS / str(rounds) / name


def keep_round(folder: Path, rounds: int | None) -> None:
    """Remove the checkpoints of all rounds but one."""
    root = folder / CHECKPOINTS
    for path in root.iterdir() if root.is_dir() else ():
        if path.name != str(rounds):
            shutil.rmtree(path, ignore_errors=True)
    if rounds is None:
        shutil.rmtree(root, ignore_errors=True)


def read_record(folder: str | Path) -> Record:
    """Read where all jobs of a run are, while it goes on or after it.

    Raises:
        CheckpointError: there is no record, or it is damaged.
    """
    path = Path(folder) / FILE
    try:
        read = json.loads(path.read_text())
        entries = {name: JobResult(**entry) for name, entry in read["entries"].items()}
        return Record(int(read["rounds"]), dict(read["base"]), list(read["running"]), entries)
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no run to resume: {path} is missing; start without --resume"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} can't be read: {error}") from error


def absent(entries: Mapping[str, JobResult], names: Iterable[str]) -> list[str]:
    """Return jobs that have begun, have not ended and are not named."""
    known = set(names)
    return [n for n, e in entries.items() if e.status == RUNNING and n not in known]
