"""Session: jobs that wait, run and end, a round of steps at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from t2l_fast.adapters import Site
from t2l_fast.adapters.peft_format import Origin
from t2l_fast.errors import CheckpointError
from t2l_fast.train.adapters.config import MultiLoraConfig
from t2l_fast.train.adapters.data import JobData
from t2l_fast.train.adapters.job import Job
from t2l_fast.train.adapters.passes import Passes
from t2l_fast.train.adapters.record import (
    ADAPTERS,
    DONE,
    FAILED,
    RUNNING,
    STOPPED,
    WAITING,
    JobResult,
    Record,
    checkpoint_folder,
)
from t2l_fast.train.adapters.running import RunningJob, total_steps
from t2l_fast.train.run.agreement import check_same
from t2l_fast.train.run.clock import StepClock
from t2l_fast.train.run.metrics import Metrics
from t2l_fast.train.run.tracking import Tracking

Line = dict[str, Any]
Sites = dict[str, list[Site]]


class Session:
    """All jobs of a run: the first waiting ones take the slots that are free.

    Args:
        jobs: in the order in which they start.
        data: of every job by its name.
        sites: of every job by its name.
        passes: through the model.
        folder: of the run.
        config: of the run.
        record: where the jobs are; updated here.
        trackers: that every job has of its own, beside its metrics.
        origin: what adapters say they were trained on.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        data: Mapping[str, JobData],
        sites: Mapping[str, Sites],
        passes: Passes,
        folder: Path,
        config: MultiLoraConfig,
        record: Record,
        trackers: Sequence[str] = (),
        *,
        origin: Origin,
    ) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.data, self.sites, self.passes = data, sites, passes
        self.folder, self.config, self.record = folder, config, record
        self._trackers, self._origin = trackers, origin
        self.running: list[RunningJob] = []
        self._logs: dict[str, Metrics] = {}
        for job in jobs:
            record.entries.setdefault(job.name, JobResult())
            result = record.entries[job.name]
            if result.status == WAITING:
                result.steps = total_steps(job, data[job.name])
            result.dropped = data[job.name].dropped

    @property
    def total(self) -> int:
        """Steps of all jobs together."""
        return sum(self.record.entries[name].steps for name in self.jobs)

    @property
    def taken(self) -> int:
        """Steps that are done, or that jobs which ended early will not take."""
        results = [self.record.entries[name] for name in self.jobs]
        return sum(r.steps if r.ended else r.step for r in results)

    def resume(self) -> None:
        """Go on with the jobs that ran at the last checkpoint.

        Raises:
            CheckpointError: a job's settings or data changed since it began.
        """
        for name, result in self.record.entries.items():
            if result.status == WAITING or name not in self.jobs:
                continue
            path = self.folder / ADAPTERS / name
            try:
                check_same(result.settings, self._settings(name), path)
            except CheckpointError as error:
                raise CheckpointError(f"job {name!r}: {error}") from error
        for name in self.record.running:
            running = self._new(name)
            place = checkpoint_folder(self.folder, self.record.rounds, name)
            running.load(place, self._settings(name))
            self.running.append(running)
            self._log(name).cut(running.step, self._shown(name))

    def advance(self, step: int) -> Line:
        """Start what waits, take a step of every running job, and end those that are through.

        Args:
            step: steps of all jobs that were taken before.

        Returns:
            A line of metrics of the whole run.
        """
        self._start()
        clock = StepClock(self.passes.device)
        rows = [row for slot, job in enumerate(self.running) for row in job.rows(slot)]
        batch, totals = self.passes.train([job.weights for job in self.running], rows, clock)
        losses = dict(zip(self.running, totals.tolist(), strict=True))
        lines: dict[RunningJob, Line] = {}
        for slot, (job, loss) in enumerate(losses.items()):
            gradients = batch.gradients(slot, job.job.lora.rank)
            epoch = (job.step + 1) / job.steps_per_epoch
            lines[job] = {"step": job.step + 1, "of": job.steps, "epoch": epoch, "loss": loss}
            lines[job] |= job.advance(*gradients)
        clock.mark("optimizer")
        self.record.rounds += 1
        timed = clock.line(sum(len(row.ids) for row in rows))
        self._measure(lines)
        for job, line in lines.items():
            line |= {"round": self.record.rounds, "seconds": timed["seconds"]}
            self._note(job, line)
        waiting = sum(self.record.entries[name].status == WAITING for name in self.jobs)
        finite = [loss for loss in losses.values() if math.isfinite(loss)]
        return {
            "step": self.taken,
            "of": self.total,
            "round": self.record.rounds,
            "running": len(losses),
            "waiting": waiting,
            "ended": len(self.jobs) - waiting - len(self.running),
            "loss": fmean(finite) if finite else math.nan,
            **timed,
        }

    def save(self) -> None:
        """Write a checkpoint of every running job, and then the record that names them."""
        if self.record.rounds % self.config.save_every and self.running:
            return
        for job in self.running:
            place = checkpoint_folder(self.folder, self.record.rounds, job.job.name)
            job.save(place, self._settings(job.job.name))
        self.record.running = [job.job.name for job in self.running]
        self.record.commit(self.folder)

    def close(self) -> None:
        """Close the logs of running jobs."""
        for log in self._logs.values():
            log.close()

    def _start(self) -> None:
        for name in self.jobs:
            if len(self.running) >= self.config.slots:
                return
            result = self.record.entries[name]
            if result.status == WAITING:
                self.running.append(self._new(name))
                result.status, result.settings = RUNNING, self._settings(name)
                self._log(name).begin(self._shown(name))

    def _measure(self, lines: dict[RunningJob, Line]) -> None:
        """Add the loss on held-out rows to the lines of jobs for which it is due."""
        due = [job for job in lines if job.evaluates and math.isfinite(lines[job]["loss"])]
        if not due:
            return
        rows = [row for slot, job in enumerate(due) for row in job.held_out(slot)]
        losses = self.passes.measure([job.weights for job in due], rows)
        for job, loss in zip(due, losses, strict=True):
            job.measured(loss)
            lines[job]["held_out_loss"] = loss

    def _note(self, job: RunningJob, line: Line) -> None:
        """Write a job's line, and its adapter if it has ended."""
        name, result = job.job.name, self.record.entries[job.job.name]
        numbers = (line["loss"], line["gradient_norm"])
        diverged = not all(map(math.isfinite, numbers))
        # JSON has no other number than finite ones
        plain = {
            k: v if not isinstance(v, float) or math.isfinite(v) else None for k, v in line.items()
        }
        self._logs[name].add(plain)
        result.step, result.loss = job.step, plain["loss"]
        if math.isfinite(job.best):
            result.held_out_loss, result.best_step = job.best, job.best_step
        if diverged:
            result.status = FAILED
            result.reason = (
                f"loss or gradient is not finite at step {job.step}: lower learning_rate, or raise "
                "warmup_fraction"
            )
        elif job.ended is not None:
            result.status = DONE if job.ended == "done" else STOPPED
            job.result(self._origin).save_pretrained(self.folder / ADAPTERS / name)
        if result.ended:
            self.running.remove(job)
            self._logs.pop(name).close()

    def _new(self, name: str) -> RunningJob:
        wide = next(self.passes.model.parameters()).dtype == torch.float64
        dtype = torch.float64 if wide else torch.float32
        return RunningJob(
            self.jobs[name], self.data[name], self.sites[name], self.passes.device, dtype
        )

    def _log(self, name: str) -> Metrics:
        folder = self.folder / ADAPTERS / name
        tracking = Tracking(self._trackers, folder) if self._trackers else None
        return self._logs.setdefault(name, Metrics(folder, tracking))

    def _settings(self, name: str) -> dict[str, Any]:
        return self.jobs[name].settings() | {"data": self.data[name].digest()}

    def _shown(self, name: str) -> dict[str, Any]:
        data = self.data[name]
        counts = {"rows": len(data.train), "held_out_rows": len(data.held_out)}
        return {"job": self._settings(name) | counts, "run": asdict(self.config)}
