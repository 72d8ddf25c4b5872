"""Run: the life cycle of a training run, the same for every trainer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from t2l_fast.errors import ConfigError
from t2l_fast.files import sweep
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.run.best import Best
from t2l_fast.train.run.checkpoint import load_run, save_run
from t2l_fast.train.run.folder import check_folder
from t2l_fast.train.run.layout import BEST, CHECKPOINT, LAST, METRICS, ORACLES, SETTINGS
from t2l_fast.train.run.metrics import Metrics
from t2l_fast.train.run.tracking import Tracking

Line = dict[str, Any]
"""Metrics of one step; "step" counts from 1."""
OnStep = Callable[[Line], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run ends, evaluates and saves, in steps; the last step does both.

    Fields:
        steps: of the whole run.
        save_every: steps between checkpoints.
        eval_every: steps between evaluations; 0 = never.
    """

    steps: int
    save_every: int = 1
    eval_every: int = 0

    def evaluates(self, step: int) -> bool:
        """Return whether a run evaluates after `step` steps."""
        return self.eval_every > 0 and (step % self.eval_every == 0 or step == self.steps)


class Run:
    """A folder, what is written into it, and the loop of steps between.

    A trainer calls `open`, initialises its weights, then `begin` or `load`, and at last `follow`.
    Leaving the `with` block closes the trackers, also after Ctrl-C; the last checkpoint stays.

    Fields:
        step: steps that are done.
        settings: what a resumed run must agree with, plain data.

    Args:
        folder: for metrics, checkpoints and results, seen by every process; None = keep nothing.
        processes: of the run; the main one writes.
        tracking: gets every line of metrics too.
        files: of this kind of run, beside metrics and settings; their leftovers are swept.
        folders: in `folder`, whose leftovers are swept.
        resumes_from: files that a run of this kind can be resumed from.
        best: what keeps the best generator; None = nothing is compared.
        logs: write metrics and settings.
    """

    def __init__(
        self,
        folder: str | Path | None,
        processes: Processes | None = None,
        tracking: Tracking | None = None,
        *,
        files: Sequence[str] = (CHECKPOINT, ORACLES),
        folders: Sequence[str] = (BEST, LAST),
        resumes_from: Sequence[str] = (CHECKPOINT, ORACLES),
        best: Best | None = None,
        logs: bool = True,
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.processes = processes or Processes()
        self.files, self.folders, self.resumes_from = files, folders, resumes_from
        self.best = best
        writes = logs and folder is not None and self.processes.main
        self.metrics = Metrics(self.folder or Path(), tracking, writes=writes)
        self.step = 0
        self.settings: Mapping[str, Any] = {}
        self._on_step: OnStep | None = None

    def open(
        self,
        settings: Mapping[str, Any],
        *,
        resume: bool,
        agreed: Any = None,
        on_step: OnStep | None = None,
    ) -> list[str]:
        """Check the folder, and sweep what a killed run left half-written.

        Args:
            settings: what a resumed run must agree with, plain data.
            resume: the folder must hold a run of this kind.
            agreed: what all processes must have alike; None = the settings.
            on_step: called with each line of metrics, in the main process.

        Returns:
            The files in the folder that the run may be resumed from.

        Raises:
            CheckpointError: not resuming, and the folder holds a run, library or generator; or
                there is no run to resume.
            ConfigError: `resume` without a folder.
            DistributedError: the processes differ in `agreed`.
        """
        self.settings = settings
        self._on_step = on_step if self.processes.main else None
        self.processes.check_same(settings if agreed is None else agreed)
        if self.folder is None:
            if resume:
                raise ConfigError("resume needs the folder of the run, got None: name it")
            return []
        present = check_folder(self.folder, resume, self.processes, own=self.resumes_from)
        if self.processes.main:
            sweep(self.folder, (*self.files, METRICS, SETTINGS))
            for name in self.folders:
                sweep(self.folder / name, ("*",))
        return present

    def begin(self) -> None:
        """Start a new run: empty metrics, and no best generator."""
        if self.best is not None:
            self.best.begin()
        self.metrics.begin(self.settings)

    def load(
        self,
        state: Mapping[str, Tensor],
        optimizer: Optimizer,
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        """Go on from the checkpoint in the folder.

        Args:
            state: name → tensor, as for `save`; overwritten.
            optimizer: whose moments are overwritten.
            defaults: as for `load_run`.

        Raises:
            CheckpointError: there is none, it is damaged, or it belongs to another run.
        """
        assert self.folder is not None
        step = load_run(self.folder, state, optimizer, self.settings, defaults=defaults)
        self.go_on(step)

    def go_on(self, step: int) -> None:
        """Cut the metrics back to the first `step` steps and count on from there."""
        self.step = step
        lines = self.processes.of_main(self.metrics.cut(step, self.settings))
        if self.best is not None:
            self.best.resume(lines)

    def save(
        self,
        state: Mapping[str, Tensor],
        optimizer: Optimizer,
        write_generator: Callable[[Path], None] | None = None,
    ) -> None:
        """Write a checkpoint in the main process; nothing without a folder.

        Args:
            state: name → tensor, parameters of the optimiser among them.
            write_generator: called first with the folder of the generator as it is now. A run that
                is killed between the two writes both again.

        Raises:
            DistributedError: the processes' tensors differ.
        """
        self.processes.check_equal(state)
        if self.folder is None or not self.processes.main:
            return
        if write_generator is not None:
            write_generator(self.folder / LAST)
        save_run(self.folder, self.step, state, optimizer, self.settings)

    def follow(
        self,
        schedule: Schedule,
        advance: Callable[[int], Line],
        save: Callable[[], None],
        measure: Callable[[], Line] | None = None,
        *,
        timed: bool = True,
    ) -> None:
        """Advance step by step to the last one, or until the best generator is long ago.

        Args:
            advance: takes the number of steps done, does the next, and returns its line.
            save: writes a checkpoint.
            measure: evaluates; its numbers join the line.
            timed: add "seconds" to lines that have none.
        """
        while self.step < schedule.steps and not self._exhausted:
            started = time.perf_counter()
            line = advance(self.step)
            if timed:
                line.setdefault("seconds", time.perf_counter() - started)
            self.step = line["step"]
            if measure is not None and schedule.evaluates(self.step):
                line |= measure()
                if self.best is not None:
                    self.best.add(line)
            # first the line: a resumed run drops lines after its checkpoint, but adds none
            self.metrics.add(line)
            last = self.step == schedule.steps or self._exhausted
            if self.step % schedule.save_every == 0 or last:
                save()
            self._report(line)

    def log(self, line: Line) -> None:
        """Add a line of metrics that belongs to no step, such as a warm start's."""
        self.metrics.add(line)
        self._report(line)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *exc: object) -> None:
        self.metrics.close()

    @property
    def _exhausted(self) -> bool:
        return self.best is not None and self.best.exhausted

    def _report(self, line: Line) -> None:
        if self._on_step is not None:
            self._on_step(line)
