"""End-to-end supervised fine-tuning of a generator through a frozen base model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import Adapters
from t2l_fast.errors import ConfigError
from t2l_fast.generators import Generator
from t2l_fast.tasks import Prompt, Task
from t2l_fast.train.data.collator import collator_for
from t2l_fast.train.data.even import evened
from t2l_fast.train.data.prefetch import Prefetch
from t2l_fast.train.data.token_cache import shared_cache
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.activations import recomputed_activations
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.model.losses import answer_loss, label_logits
from t2l_fast.train.model.neftune import noisy_embeddings
from t2l_fast.train.oracles.config import OracleConfig
from t2l_fast.train.oracles.trainer import concatenated, train_oracles
from t2l_fast.train.run.best import LAST, Best, chosen_measure, save_generator
from t2l_fast.train.run.checkpoint import (
    FILE,
    ORACLES,
    load_oracles,
    load_run,
    save_oracles,
    save_run,
)
from t2l_fast.train.run.clock import StepClock
from t2l_fast.train.run.fingerprint import digest
from t2l_fast.train.run.layout import BEST
from t2l_fast.train.run.progress import Progress, silent
from t2l_fast.train.run.run import Run
from t2l_fast.train.run.tracking import Tracking
from t2l_fast.train.sft.code_source import CodeSource
from t2l_fast.train.sft.config import SFTConfig, WarmStartConfig
from t2l_fast.train.sft.optimizer import GeneratorOptimizer
from t2l_fast.train.sft.preparation import Preparation, Prepared
from t2l_fast.train.sft.sampler import check_tasks
from t2l_fast.train.sft.step_adapters import MaterialisedAdapters, RecomputedAdapters
from t2l_fast.train.sft.validate import Validator
from t2l_fast.train.sft.warm_start import fit


class SFTTrainer:
    """Every row of a step runs its own task's adapter; gradients reach the generator only.

    Args:
        generator: moved to the device of the model.
        model: the base model, frozen here.
        tasks: to train on.
        held_out: split name → tasks for the periodic evaluation alone.
        folder: for metrics, checkpoints, and the generator as it was at the last of them and at its
            best (`train/run/best.py`); several processes must all see it.
        processes: among which the tasks of a step are divided; the main one writes.
        warm_start: fit the generator to briefly trained adapters first; needs a conditioned start.
        tracking: gets every line of metrics too.
        token_cache: a folder that keeps tokenised training examples; None = in RAM.
        prefetch: make a step's micro-batches in a thread, while the step before it runs.
        given: fingerprint of the generator that this run goes on from, or that this one was made
            from (by `adopt_encoder`, whose sums may differ in the last bits elsewhere); None = its
            own with a given start, else none.
        progress: called while texts are embedded.

    Raises:
        CacheError: the token cache can't be used.
        ConfigError: fewer tasks than one batch takes, or in a batch than there are processes; a
            task without training examples; a warm start without a conditioned one;
            `recompute_weights` for a generator that does not defer; `encoder_rank` for one
            that embeds no texts; a best measure or early stopping that no evaluation of this run
            gives.
        EncoderError: `encoder_rank` for no sentence-transformers encoder, or below its adapter's.
        AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
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
        held_out: dict[str, Sequence[Task]] | None = None,
        warm_start: WarmStartConfig | None = None,
        tracking: Tracking | None = None,
        token_cache: str | Path | None = None,
        prefetch: bool = True,
        processes: Processes | None = None,
        given: str | None = None,
        progress: Progress = silent,
    ) -> None:
        count = config.descriptions_per_task or None
        kept = [replace(task, descriptions=task.descriptions[:count]) for task in tasks]
        self.generator, self.model, self.tasks = generator, model, kept
        self.config, self.folder = config, Path(folder)
        self.processes = processes or Processes()
        self._check()
        self.run = Run(
            self.folder,
            self.processes,
            tracking,
            files=(FILE, ORACLES),
            folders=(BEST, LAST),
        )
        self.metrics = self.run.metrics
        device = next(model.parameters()).device
        generator.to(device)
        known = None
        if token_cache is not None and not config.description_in_prompt:
            known = shared_cache(
                prompt, kept, config.max_tokens, token_cache, processes=self.processes
            )
        self.collator = collator_for(
            model,
            prompt,
            overhead=config.bucket_overhead,
            max_tokens=config.max_tokens,
            known=known,
        )
        goes_on = config.start == "given"
        self.given = given or (generator.fingerprint if goes_on else None)
        self.preparation = Preparation(
            kept, config, self.collator, self.processes, self.given or ""
        )
        self.prefetch = prefetch
        self.validator = Validator(
            {"train": self.tasks, **(held_out or {})},
            self.collator,
            limit=config.eval_tasks,
            examples=config.eval_examples,
            seed=config.seed,
            description_in_prompt=config.description_in_prompt,
            processes=self.processes,
            fresh=config.encoder_rank > 0,
        )
        measure = chosen_measure(
            config.best,
            self.validator.tasks,
            evaluates=config.eval_every > 0,
            patience=config.stop_after,
        )
        self.best = Best(self.folder, measure, patience=config.stop_after, kept=self.processes.main)
        self.step = 0
        if not goes_on:
            generator.prepare_codes([text for task in self.tasks for text in task.descriptions])
        self._shape = generator.config.to_dict()  # a trained encoder changes its name
        self.codes = CodeSource(generator, self.tasks, config, device, progress)
        self.processes.copy_main(self.codes.embeddings)  # processors may differ in the last bits
        self.start = GeneratorOptimizer(generator, config, self.codes.parameters)
        self.warm_start = warm_start
        if warm_start is not None and not self.start.conditioned:
            raise ConfigError(
                "a warm start needs a conditioned start of a generator of texts whose heads have "
                f"biases, got start={config.start!r} for {generator.kind}"
            )
        self.optimizer: torch.optim.Optimizer

    def _check(self) -> None:
        """What can be refused before texts are read and embedded."""
        check_tasks(self.tasks, self.config.tasks_per_batch)
        if self.config.tasks_per_batch < self.processes.count:
            raise ConfigError(
                f"tasks_per_batch must be at least the {self.processes.count} processes, got "
                f"{self.config.tasks_per_batch}: launch fewer"
            )
        if self.config.recompute_weights and not self.generator.defers:
            raise ConfigError(
                "recompute_weights needs a generator that makes adapters layer by layer, got "
                f"{self.generator.kind}: leave it False"
            )

    def train(
        self, *, resume: bool = False, on_step: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Run to the last step, or until it gets no better (`stop_after`).

        A resumed run continues as if it had not been interrupted.

        Args:
            resume: continue from the checkpoint in the folder.
            on_step: called with each line of metrics, in the main process.

        Raises:
            CheckpointError: nothing to resume, another run's checkpoint, or (not resuming) a run
                is in the folder already.
            DistributedError: another process ended, or differs from this one.
        """
        if not self.processes.main:
            on_step = None
        ahead = Prefetch(self.preparation.step, self.config.steps, ahead=self.prefetch)
        with self.attached() as adapters, closing(self.metrics), ahead, self.codes.settled():
            begun = self._start(resume)
            if self.warm_start is not None and not begun:
                self._warm(adapters, on_step)
            self.processes.copy_main(self.start.state().values())
            self.generator.train()
            while self.step < self.config.steps and not self.best.exhausted:
                line = self._one_step(adapters, ahead)
                last = self.step == self.config.steps
                if self.config.eval_every and (self.step % self.config.eval_every == 0 or last):
                    line |= self.validator.measure(self.generator, self.model, adapters)
                    self.codes.name_encoder()
                    self.best.add(line, self.generator)
                    last |= self.best.exhausted
                # first the line: a resumed run drops lines after its checkpoint, but adds none
                self.metrics.add(line)
                if self.step % self.config.save_every == 0 or last:
                    self._save()
                if on_step is not None:
                    on_step(line)

    @contextmanager
    def attached(self) -> Iterator[Adapters]:
        """The model frozen, with adapters and the attention that its batches need; then as before.

        Raises:
            AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
            UnsupportedModel: it has no layers that can run again, and they should.
        """
        lora = self.generator.config.lora
        try:
            again = recomputed_activations if self.config.recompute_activations else nullcontext
            with frozen(self.model, lora, packed=self.collator.packed) as adapters:
                with again(self.model):
                    yield adapters
        finally:
            self.generator.eval()

    def _start(self, resume: bool) -> bool:
        """Whether there is a checkpoint, which is loaded then."""
        evaluated = {name: [t.name for t in group] for name, group in self.validator.tasks.items()}
        self.processes.check_same({"run": self._run, "evaluated": evaluated})
        # asked once: files appear while slower processes still look
        saved, oracles = self.processes.of_main(
            tuple((self.folder / name).exists() for name in (FILE, ORACLES))
        )
        self.run.open(resume=resume, seed=self.config.seed)
        self.start.initialise(self.codes.embeddings)
        self.optimizer = self.start.optimizer()
        if not resume or (oracles and not saved):
            self.best.begin()
            self.run.begin(self._run)
            return False
        usual = {k: self._run[k] for k in ("dtype", "task_names")}
        usual["sft"] = SFTConfig(self.config.steps).to_dict()
        state = self.start.state()
        self.step = load_run(self.folder, state, self.optimizer, self._run, defaults=usual)
        self.best.resume(self.processes.of_main(self.run.resume(self._run, self.step)))
        return True

    def _save(self) -> None:
        state = self.start.state()
        self.processes.check_equal(state)
        if self.processes.main:
            self.codes.name_encoder()
            # first the generator: nothing would write it again once the run is at its end
            save_generator(self.generator, self.folder / LAST)
            save_run(self.folder, self.step, state, self.optimizer, self._run)

    def _warm(self, adapters: Adapters, on_step: Callable[[dict[str, Any]], None] | None) -> None:
        def note(phase: str, done: int, total: int, loss: float) -> None:
            line = {"step": 0, "phase": phase, "done": done, "of": total, "loss": loss}
            self.metrics.add(line)
            if on_step is not None:
                on_step(line)

        assert self.warm_start is not None and self.start.whitened is not None
        oracles = load_oracles(
            self.folder, self.generator.config.lora, self.generator.config.module_shapes, self._run
        )
        if oracles is None:
            warm = self.warm_start
            brief = OracleConfig(
                warm.steps,
                warm.examples,
                warm.tasks_at_once,
                warm.learning_rate,
                seed=self.config.seed,
            )
            # all start where the new generator starts, and few steps keep them close to each
            # other, so that a function of the description can follow
            start = self.generator.generate(codes=torch.zeros(1, *self.generator.code_shape))
            made = train_oracles(
                start,
                self.model,
                adapters,
                self.collator,
                self.tasks,
                brief,
                processes=self.processes,
                on_step=note,
            )
            oracles = concatenated(list(made))
            if self.processes.main:
                save_oracles(self.folder, oracles, self._run)
        fit(
            self.generator,
            self.start.whitened,
            self.optimizer,
            self.codes.embeddings,
            oracles,
            self.warm_start,
            seed=self.config.seed,
            on_step=note,
        )
        self.optimizer = self.start.optimizer()
        self._save()

    def _one_step(self, adapters: Adapters, ahead: Prefetch[Prepared]) -> dict[str, Any]:
        clock = StepClock(self.collator.device)
        factor = self.config.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        line = self.backward(adapters, ahead.take(self.step), clock)
        norm = self.start.update(self.optimizer)
        clock.mark("optimizer")
        self.step += 1
        rate = self.config.learning_rate * factor
        more = {"gradient_norm": norm.item(), "learning_rate": rate}
        return {"step": self.step} | line | more | clock.line(line["tokens"])

    def backward(
        self, adapters: Adapters, step: Prepared, clock: StepClock | None = None
    ) -> dict[str, Any]:
        """Add the gradients of one step to the generator's, inside `attached`.

        Adapters are made once per task; each micro-batch adds to their gradients, and one backward
        pass through the generator follows. Of several processes each does so for its tasks, and
        the sums over all come back.
        """
        clock = clock or StepClock(self.collator.device)
        codes = self.codes.of(step.draws)
        batches = [batch.to(self.collator.device) for batch in step.batches]
        batches = evened(batches, self.model, self.processes)
        noise = int(torch.randint(2**62, ())) if self.config.neftune_alpha else 0
        clock.mark("data")
        kind = RecomputedAdapters if self.config.recompute_weights else MaterialisedAdapters
        step_adapters = kind(self.generator, codes, None if step.share == 1 else step.own)
        extra = {name: value.item() for name, value in self.generator.auxiliary_losses().items()}
        clock.mark("generate")
        device = self.collator.device.type
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.config.autocast)
        total, tokens = 0.0, 0
        for micro, counts in batches:
            noisy = noisy_embeddings(self.model, micro, self.config.neftune_alpha, noise)
            with adapters.use(micro.slots, weights=step_adapters.batch):
                with noisy, autocast:
                    logits, labels = label_logits(self.model, micro)
                    loss = answer_loss(logits, micro, labels, self.config.label_smoothing)
                loss = counts * loss / step.rows
                clock.mark("forward")
                loss.backward()
            total += loss.item()
            clock.mark("backward")
            tokens += counts * sum(micro.lengths)
        penalty = step_adapters.finish(self.config.generated_l2, step.share)
        self.processes.sum_gradients(
            [*self.generator.parameters(), *self.codes.parameters.values()]
        )
        total, penalty, tokens = self.processes.totals(total, penalty, tokens)
        clock.mark("backward")
        line = {"loss": total, "l2": penalty, **extra}
        return line | {"rows": step.rows, "tokens": int(tokens)}

    @cached_property
    def _run(self) -> dict[str, Any]:
        """What a checkpoint must agree with: settings, generator and tasks."""
        settings = self.config.to_dict()
        for name in ("recompute_weights", "recompute_activations"):
            del settings[name]  # the same run in less memory
        del settings["stop_after"]  # the same run, shorter or longer
        settings["best"] = self.best.measure
        return {
            "sft": settings,
            "warm_start": None if self.warm_start is None else asdict(self.warm_start),
            "generator": self._shape,
            "given": self.given,
            "dtype": str(next(self.model.parameters()).dtype),
            "task_names": [task.name for task in self.tasks],
            "tasks": digest(self.tasks),
        }
