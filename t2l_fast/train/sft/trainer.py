"""End-to-end supervised fine-tuning of a generator through a frozen base model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import Adapters
from t2l_fast.generators import Generator
from t2l_fast.tasks import Prompt, Task
from t2l_fast.train.data.collator import collator_for
from t2l_fast.train.data.embeddings import keep_embeddings
from t2l_fast.train.data.prefetch import Prefetch
from t2l_fast.train.data.token_cache import keep_tokens
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.run.best import Best, save_generator
from t2l_fast.train.run.clock import StepClock
from t2l_fast.train.run.layout import CHECKPOINT
from t2l_fast.train.run.progress import Progress, silent
from t2l_fast.train.run.run import Line, OnStep, Run, Schedule
from t2l_fast.train.run.tracking import Tracking
from t2l_fast.train.sft.checks import check_arguments
from t2l_fast.train.sft.code_source import CodeSource
from t2l_fast.train.sft.config import SFTConfig, WarmStartConfig
from t2l_fast.train.sft.gradients import StepGradients
from t2l_fast.train.sft.optimizer import GeneratorOptimizer
from t2l_fast.train.sft.preparation import Preparation, Prepared
from t2l_fast.train.sft.settings import older_settings, run_settings
from t2l_fast.train.sft.validate import Validator
from t2l_fast.train.sft.warm_start import WarmStart


class SFTTrainer:
    """Every row of a step runs its own task's adapter; gradients reach the generator only.

    Making a trainer checks its arguments. Texts are tokenised and embedded by `prepare`, which
    `train` calls first.

    Args:
        generator: moved to the device of the model.
        model: the base model, frozen while it trains.
        prompt: what the base model reads.
        tasks: to train on.
        config: how.
        held_out: split name → tasks for the periodic evaluation alone.
        folder: for metrics, checkpoints, and the generator at the last of them and at its best
            (`train/run/best.py`). Several processes must all see it.
        processes: among which the tasks of a step are divided; the main one writes.
        warm_start: fit the generator to briefly trained adapters first; needs a conditioned start.
        tracking: gets every line of metrics too.
        token_cache: a folder that keeps tokenised training examples; None = in RAM.
        embedding_cache: a file that keeps embeddings (`CachedEncoder`); None = none.
        prefetch: make a step's micro-batches in a thread, while the step before it runs.
        origin: fingerprint of the generator that this run goes on from, or that `adopt` read (its
            sums may differ in the last bits elsewhere). None = its own with a given start, else
            none.
        progress: called while texts are tokenised and embedded.

    Raises:
        ConfigError: the arguments don't fit each other (`check_arguments`), or no evaluation of
            this run gives the best measure, or what early stopping goes by.
    """

    def __init__(
        self,
        generator: Generator,
        model: nn.Module,
        prompt: Prompt,
        tasks: Sequence[Task],
        config: SFTConfig,
        folder: str | Path,
        *,
        held_out: Mapping[str, Sequence[Task]] | None = None,
        warm_start: WarmStartConfig | None = None,
        tracking: Tracking | None = None,
        token_cache: str | Path | None = None,
        embedding_cache: str | Path | None = None,
        prefetch: bool = True,
        processes: Processes | None = None,
        origin: str | None = None,
        progress: Progress = silent,
    ) -> None:
        count = config.descriptions_per_task or None
        self.tasks = [replace(task, descriptions=task.descriptions[:count]) for task in tasks]
        self.generator, self.model, self.config = generator, model, config
        self.folder, self.processes = Path(folder), processes or Processes()
        self.warm_start, self.prefetch, self.progress = warm_start, prefetch, progress
        check_arguments(generator, self.tasks, config, self.processes, warm_start)
        self.token_cache = None if config.description_in_prompt else token_cache
        self.embedding_cache = embedding_cache
        self.device = next(model.parameters()).device
        generator.to(self.device)
        self.collator = collator_for(
            model, prompt, overhead=config.bucket_overhead, max_tokens=config.max_tokens
        )
        goes_on = config.start == "given"
        self.origin = origin or (generator.fingerprint if goes_on else None)
        self.preparation = Preparation(
            self.tasks, config, self.collator, self.processes, self.origin or ""
        )
        self.validator = Validator.of(
            config, {"train": self.tasks, **(held_out or {})}, self.collator, self.processes
        )
        measure, writes = config.measure_of(self.validator.tasks), self.processes.main
        self.best = Best(self.folder, generator, measure, patience=config.stop_after, writes=writes)
        self.run = Run(self.folder, self.processes, tracking, best=self.best)
        self._shape = generator.config.to_dict()  # a trained encoder changes its name

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.run.step

    @cached_property
    def codes(self) -> CodeSource:
        """What the generator reads; descriptions are embedded when this is first used."""
        keep_embeddings(self.generator, self.embedding_cache)
        if self.config.start != "given":
            self.generator.prepare_codes([t for task in self.tasks for t in task.descriptions])
        codes = CodeSource(self.generator, self.tasks, self.config, self.device, self.progress)
        self.processes.copy_main(codes.embeddings)  # processors may differ in the last bits
        return codes

    @cached_property
    def optimizer(self) -> GeneratorOptimizer:
        """What starts and updates the weights."""
        return GeneratorOptimizer(self.generator, self.config, self.codes.parameters)

    def prepare(self) -> None:
        """Tokenise the training examples into the token cache, and embed the descriptions.

        Raises:
            CacheError: the token cache can't be used.
            EncoderError: a description can't be embedded; `encoder_rank` for no
                sentence-transformers encoder, or below its adapter's.
        """
        if self.token_cache is not None and self.collator.known is None:
            keep_tokens(self.collator, self.tasks, self.token_cache, self.processes, self.progress)
        _ = self.codes

    def train(self, *, resume: bool = False, on_step: OnStep | None = None) -> None:
        """Run to the last step, or until it gets no better (`stop_after`).

        A resumed run continues as if it had not been interrupted.

        Args:
            resume: continue from the checkpoint in the folder.
            on_step: called with each line of metrics, in the main process.

        Raises:
            AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
            CacheError, EncoderError: as for `prepare`.
            CheckpointError: nothing to resume, another run's checkpoint, or (not resuming) a run
                is in the folder already.
            DistributedError: another process ended, or differs from this one.
        """
        config, run = self.config, self.run
        agreed = {"run": self._settings, "evaluated": self.validator.names}
        present = run.open(self._settings, resume=resume, agreed=agreed, on_step=on_step)
        self.prepare()
        ahead = Prefetch(self.preparation.step, config.steps, ahead=self.prefetch)
        with self.attached() as adapters, run, ahead, self.codes.settled():
            torch.manual_seed(config.seed)
            self.optimizer.initialise(self.codes.embeddings)
            if CHECKPOINT in present:
                usual = older_settings(self._settings, config)
                run.load(self.optimizer.state(), self.optimizer.adamw, defaults=usual)
            else:
                run.begin()
                if self.warm_start is not None:
                    self._warm(adapters, self.warm_start)
            self.processes.copy_main(self.optimizer.state().values())
            self.generator.train()
            run.follow(
                Schedule(config.steps, config.save_every, config.eval_every),
                lambda step: self._advance(step, adapters, ahead),
                self._save,
                lambda: self._measure(adapters),
            )

    @contextmanager
    def attached(self) -> Iterator[Adapters]:
        """Freeze the model and attach adapters and the attention that its batches need.

        Raises:
            AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
            UnsupportedModel: it has no layers that can run again, and they should.
        """
        again, packed = self.config.recompute_activations, self.collator.packed
        try:
            lora = self.generator.config.lora
            with frozen(self.model, lora, packed=packed, recompute=again) as adapters:
                yield adapters
        finally:
            self.generator.eval()

    def backward(self, adapters: Adapters, step: Prepared, clock: StepClock | None = None) -> Line:
        """Add the gradients of one step to the generator's, inside `attached`."""
        gradients = StepGradients(
            self.generator, self.model, self.codes, self.config, self.processes
        )
        return gradients.add(adapters, step, clock or StepClock(self.device))

    def _warm(self, adapters: Adapters, warm: WarmStartConfig) -> None:
        start = WarmStart(warm, self.run, self.generator, self.optimizer, self.config.seed)
        start.fit(self.model, adapters, self.collator, self.tasks, self.codes.embeddings)
        self._save()

    def _advance(self, step: int, adapters: Adapters, ahead: Prefetch[Prepared]) -> Line:
        clock = StepClock(self.device)
        rate = self.optimizer.set_rate(self.config.factor(step))
        line = self.backward(adapters, ahead.take(step), clock)
        norm = self.optimizer.update()
        clock.mark("optimizer")
        more = {"gradient_norm": norm.item(), "learning_rate": rate}
        return {"step": step + 1} | line | more | clock.line(line["tokens"])

    def _measure(self, adapters: Adapters) -> Line:
        line = self.validator.measure(self.generator, self.model, adapters)
        self.codes.name_encoder()
        return line

    def _save(self) -> None:
        def write(folder: Path) -> None:
            self.codes.name_encoder()
            save_generator(self.generator, folder)

        self.run.save(self.optimizer.state(), self.optimizer.adamw, write)

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return run_settings(
            self.config,
            self.tasks,
            best=self.best.measure,
            warm_start=self.warm_start,
            generator=self._shape,
            origin=self.origin,
            dtype=next(self.model.parameters()).dtype,
        )
