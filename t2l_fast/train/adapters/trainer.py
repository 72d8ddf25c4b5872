"""MultiLoraTrainer: many LoRA adapters, each with its own data and settings, in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from t2l_fast.adapters import find_sites
from t2l_fast.adapters.peft_format import Origin
from t2l_fast.attention import packable
from t2l_fast.config import LoraConfig
from t2l_fast.errors import CheckpointError, ConfigError, SiteNotFound, UnsupportedModel
from t2l_fast.train.adapters.config import MultiLoraConfig
from t2l_fast.train.adapters.data import JobData, read_data
from t2l_fast.train.adapters.job import Job
from t2l_fast.train.adapters.passes import Passes
from t2l_fast.train.adapters.record import FILE, JobResult, Record, absent, read_record
from t2l_fast.train.adapters.running import total_steps
from t2l_fast.train.adapters.session import Line, Session, Sites
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.run.agreement import check_same
from t2l_fast.train.run.progress import Progress, silent
from t2l_fast.train.run.run import Run, Schedule
from t2l_fast.train.run.tracking import Tracking


class MultiLoraTrainer:
    """Trains many LoRA adapters in one pass through one frozen base model.

    A step of every running job is one round: their rows go through the model together, each
    through its own adapter. Losses, clipping, optimiser and schedule are each job's own, so that
    an adapter is what training it alone gives, up to rounding.

    `folder` gets `adapters/<job>`, a PEFT folder with the job's metrics, and `jobs.json`, where
    every job is. Of a job with held-out rows the adapter with the lowest loss on them is kept.

    Args:
        model: a causal language model of transformers; frozen here, and left as it was.
        tokenizer: of that model.
        jobs: in the order in which they start; their names differ.
        folder: of the run.
        config: of the run.
        base_model: name of the base model, which the run's record notes.
        tracking: names of trackers, as for `Tracking`.
        progress: called as the data of jobs are read.

    Raises:
        ConfigError: there is no job, or two have one name.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        jobs: Sequence[Job],
        folder: str | Path,
        config: MultiLoraConfig | None = None,
        *,
        base_model: str | None = None,
        tracking: Sequence[str] = (),
        progress: Progress = silent,
    ) -> None:
        twice = [name for name, n in Counter(job.name.lower() for job in jobs).items() if n > 1]
        if not jobs or twice:
            got = f"two of {twice[0]!r}" if twice else "none"
            raise ConfigError(f"jobs must have names that differ, upper case aside, got {got}")
        self.model, self.tokenizer = model, tokenizer
        self.jobs, self.folder = tuple(jobs), Path(folder)
        self.config = config or MultiLoraConfig()
        self.base_model = base_model
        self._trackers, self._progress = tuple(tracking), progress
        self._ready: tuple[dict[str, JobData], dict[str, Sites]] | None = None

    def prepare(self) -> None:
        """Check every job against the model, and read and tokenise its data.

        `train` does it, if it was not done before. Nothing is written.

        Raises:
            ConfigError: a job asks for what the model does not have, or its data can't be used.
        """
        if self._ready is not None:
            return
        known: dict[tuple[str, ...] | str, Sites] = {}
        sites: dict[str, Sites] = {}
        for job in self.jobs:
            targets = job.lora.target_modules
            try:
                sites[job.name] = known[targets] = known.get(targets) or find_sites(
                    self.model, targets
                )
            except (SiteNotFound, UnsupportedModel, ConfigError) as error:
                raise ConfigError(f"job {job.name!r}: targets: {error}") from error
            words = [g[0].path for g in sites[job.name].values() if g[0].is_embedding]
            if words:
                raise ConfigError(
                    f"job {job.name!r}: targets: linears are trained here, got the embedding "
                    f"{words[0]}: leave it out"
                )
        data: dict[str, JobData] = {}
        for done, job in enumerate(self.jobs):
            self._progress("reading", done, len(self.jobs))
            data[job.name] = read_data(job, self.tokenizer)
        self._progress("reading", len(self.jobs), len(self.jobs))
        self._ready = data, sites

    @property
    def steps(self) -> dict[str, int]:
        """Return name → steps of the whole job, once `prepare` has run."""
        data = {} if self._ready is None else self._ready[0]
        return {job.name: total_steps(job, data[job.name]) for job in self.jobs if data}

    def train(
        self, *, resume: bool = False, on_step: Callable[[Line], None] | None = None
    ) -> dict[str, JobResult]:
        """Train all jobs, as many at once as there are slots.

        Args:
            resume: go on with the run in the folder. Jobs that ended are not trained again, and
                new ones wait behind the others.
            on_step: called after each round with its line of metrics.

        Returns:
            Name → where the job is; one that failed has a reason.

        Raises:
            ConfigError: as for `prepare`.
            CheckpointError: the folder holds another run (not resuming), or there is none to
                resume, or it is of other settings or data.
        """
        tracking = Tracking(self._trackers, self.folder)
        run = Run(self.folder, None, tracking, files=(FILE,), folders=(), resumes_from=(FILE,))
        base = {"base_model": self.base_model, "dtype": str(self.model.dtype)}
        run.open({"adapters": asdict(self.config) | base}, resume=resume, on_step=on_step)
        record = read_record(self.folder) if resume else Record(0, base, [], {})
        self._check(record, base)
        self.prepare()
        assert self._ready is not None
        data, sites = self._ready
        with self._model() as passes, run:
            session = Session(
                self.jobs,
                data,
                sites,
                passes,
                self.folder,
                self.config,
                record,
                [name for name in self._trackers if name == "tensorboard"],
                origin=Origin(self.base_model, task_type="CAUSAL_LM"),
            )
            try:
                if resume:
                    session.resume()
                    run.go_on(session.taken)
                else:
                    run.begin()
                    session.record.commit(self.folder)
                run.follow(Schedule(session.total), session.advance, session.save)
            finally:
                session.close()
        return {job.name: record.entries[job.name] for job in self.jobs}

    @contextmanager
    def _model(self) -> Iterator[Passes]:
        """The model with adapters on every job's sites, in eval mode; dropout has its own seed."""
        assert self._ready is not None
        own = [site for group in self._ready[1].values() for g in group.values() for site in g]
        lora = LoraConfig(tuple(dict.fromkeys(site.path for site in own)), 1, 1.0)
        pad = self.tokenizer.pad_token_id
        pad = self.tokenizer.eos_token_id if pad is None else pad
        trained = self.model.training
        device = self.model.device
        cuda = [device] if device.type == "cuda" else []
        again = self.config.recompute_activations
        packs = packable(self.model)
        with (
            torch.random.fork_rng(devices=cuda),
            frozen(self.model, lora, packed=packs, recompute=again) as adapters,
        ):
            torch.manual_seed(self.config.seed)
            self.model.eval()
            try:
                yield Passes(self.model, adapters, pad, self.config.max_tokens)
            finally:
                self.model.train(trained)

    def _check(self, record: Record, base: dict[str, Any]) -> None:
        """The record is of this base model, and no job that runs in it has gone.

        Raises:
            CheckpointError: it is not, or one has.
        """
        check_same(record.base, base, self.folder / FILE)
        gone = absent(record.entries, [job.name for job in self.jobs])
        if gone:
            raise CheckpointError(
                f"job {gone[0]!r} runs in {self.folder}, but is not among the jobs: put it back, "
                "or start in another folder"
            )
