"""The folder of a run: checked, swept, then begun or resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from t2l_fast.files import sweep
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.run.checkpoint import check_free
from t2l_fast.train.run.layout import CHECKPOINT, METRICS, ORACLES, SETTINGS
from t2l_fast.train.run.metrics import Metrics
from t2l_fast.train.run.tracking import Tracking


class Run:
    """What every trainer does with its folder, in the same order.

    Args:
        folder: for metrics, checkpoints and results; several processes must all see it.
        processes: of the run; the main one writes.
        tracking: gets every line of metrics too.
        files: of this kind of run, beside metrics and settings; their leftovers are swept.
        folders: in `folder`, whose leftovers are swept.
        resumes_from: files that a run of this kind can be resumed from.
    """

    def __init__(
        self,
        folder: str | Path,
        processes: Processes | None = None,
        tracking: Tracking | None = None,
        *,
        files: Sequence[str] = (CHECKPOINT,),
        folders: Sequence[str] = (),
        resumes_from: Sequence[str] = (CHECKPOINT, ORACLES),
    ) -> None:
        self.folder, self.processes = Path(folder), processes or Processes()
        self.files, self.folders, self.resumes_from = files, folders, resumes_from
        self.metrics = Metrics(self.folder, tracking, kept=self.processes.main)

    def open(self, *, resume: bool, seed: int | None = None) -> None:
        """Check the folder, sweep what a killed run left half-written, and seed torch.

        Args:
            resume: the folder may hold a run.
            seed: None leaves torch's random state.

        Raises:
            CheckpointError: not resuming, and the folder holds a run, library or generator.
        """
        if not resume:
            check_free(self.folder, self.processes, own=self.resumes_from)
        if self.processes.main:
            sweep(self.folder, (*self.files, METRICS, SETTINGS))
            for name in self.folders:
                sweep(self.folder / name, ("*",))
        if seed is not None:
            torch.manual_seed(seed)

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Start the metrics of a new run."""
        self.metrics.begin(settings)

    def resume(self, settings: Mapping[str, Any], step: int) -> list[dict[str, Any]]:
        """Cut the metrics back to a checkpoint and return the lines that are left."""
        return self.metrics.cut(step, settings)
