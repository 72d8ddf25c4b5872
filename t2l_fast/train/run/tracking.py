"""A run's metrics in TensorBoard or Weights & Biases, through Accelerate's trackers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from t2l_fast.errors import ArgumentError, ConfigError, MissingPackage, listed
from t2l_fast.files import replace_files
from t2l_fast.train.run.fingerprint import shown

TRACKERS = ("tensorboard", "wandb")
WANDB_ID = "wandb.id"
_BEFORE_ALL = -(2**62)


class Tracking:
    """Trackers that get every line of a run's `metrics.jsonl`, numbers alone.

    Names are those of the file; lines of a warm start are called "<phase>/<name>". TensorBoard's
    log is `tensorboard` in the run's folder, where a warm start lies left of step 0. A resumed run
    continues the log of each: what TensorBoard has after the checkpoint is dropped from it.

    Args:
        names: of `TRACKERS`.
        folder: of the run.

    Raises:
        ArgumentError: a tracker is unknown.
        MissingPackage: a tracker is not installed.
    """

    @classmethod
    def of(cls, values: Sequence[str] | None, folder: str | Path) -> Tracking:
        """Read a command line's value: names, or several of them with commas between."""
        return cls(
            [n.strip() for text in values or () for n in text.split(",") if n.strip()], folder
        )

    def __init__(self, names: Sequence[str], folder: str | Path) -> None:
        self.names, self.folder = tuple(dict.fromkeys(names)), Path(folder)
        unknown = [name for name in self.names if name not in TRACKERS]
        if unknown:
            raise ArgumentError(f"a tracker must be one of {listed(TRACKERS)}, got {unknown[0]!r}")
        for package in ("accelerate", *self.names) if self.names else ():
            if find_spec(package) is None:
                raise MissingPackage(
                    f"tracking with {', '.join(self.names)} needs the package {package}, which is "
                    f"not installed: pip install {package}"
                )
        self._trackers: list[Any] = []
        self._open = ExitStack()

    def start(self, run: Mapping[str, Any], *, after: int | None = None) -> None:
        """Open the logs; a new one gets the run's settings first.

        Args:
            run: settings, nested plain data.
            after: steps that are done; None = the run begins.

        Raises:
            ConfigError: a tracker does not start.
        """
        if not self.names:
            return
        from accelerate import PartialState

        PartialState()  # Accelerate's trackers ask it whether this is the main process
        for name in self.names:
            make = self._tensorboard if name == "tensorboard" else self._wandb
            tracker, new = make(after)
            try:
                tracker.start()
            except Exception as error:  # each library raises kinds of its own
                reason = str(error).split("\n", 1)[0]
                raise ConfigError(
                    f"the tracker {name} does not start: {reason}; set it up, or leave it out"
                ) from error
            self._open.callback(tracker.finish)
            self._trackers.append(tracker)
            if name == "wandb":
                for phase in ("oracles", "fit"):
                    tracker.tracker.define_metric(f"{phase}/*", step_metric=f"{phase}/done")
                tracker.tracker.define_metric("*", step_metric="step")
            if new:
                tracker.store_init_configuration(shown(run))

    def log(self, line: Mapping[str, Any]) -> None:
        """Add one line of metrics to every log."""
        numbers = {k: v for k, v in line.items() if isinstance(v, (int, float))}
        step = numbers["step"]
        if "phase" in line:
            step = numbers["done"] - numbers["of"]
            del numbers["step"]
            numbers = {f"{line['phase']}/{name}": value for name, value in numbers.items()}
        for tracker in self._trackers:
            if tracker.name == "wandb":
                # its own steps may only rise; the axis is the metric "step"
                tracker.log(numbers)
            else:
                tracker.log({k: v for k, v in numbers.items() if k != "step"}, step=step)

    def finish(self) -> None:
        """Close the logs, all of them even if one fails."""
        self._trackers = []
        self._open.close()

    def _tensorboard(self, after: int | None) -> tuple[Any, bool]:
        from accelerate.tracking import TensorBoardTracker

        new = after is None or not (self.folder / "tensorboard").exists()
        purge = _BEFORE_ALL if after is None else after + 1
        return TensorBoardTracker("tensorboard", self.folder, purge_step=purge), new

    def _wandb(self, after: int | None) -> tuple[Any, bool]:
        from accelerate.tracking import WandBTracker

        path = self.folder / WANDB_ID
        new = after is None or not path.exists()
        if new:
            replace_files(self.folder, {WANDB_ID: uuid4().hex[:8].encode()})
        options = {"id": path.read_text(), "resume": "allow", "name": self.folder.resolve().name}
        project = os.environ.get("WANDB_PROJECT", "t2l_fast")
        return WandBTracker(project, dir=str(self.folder), **options), new
