"""End-to-end supervised fine-tuning of a generator through a frozen base model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import Adapters
from t2l_fast.attention import packable
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.files import sweep
from t2l_fast.generators import TextToLora
from t2l_fast.tasks import Prompt, Task
from t2l_fast.train.checkpoint import (
    FILE,
    ORACLES,
    load_oracles,
    load_run,
    save_oracles,
    save_run,
)
from t2l_fast.train.clock import StepClock
from t2l_fast.train.codes import draw_codes
from t2l_fast.train.config import OracleConfig, SFTConfig, WarmStartConfig
from t2l_fast.train.data import Collator, Row, rows_of, tokens_by_slot
from t2l_fast.train.frozen import frozen
from t2l_fast.train.generated import Kept, Remade
from t2l_fast.train.losses import answer_loss, label_logits
from t2l_fast.train.metrics import NAME as METRICS
from t2l_fast.train.metrics import Metrics
from t2l_fast.train.neftune import noisy_embeddings
from t2l_fast.train.oracles import concatenated, train_oracles
from t2l_fast.train.parallel import Processes
from t2l_fast.train.sampler import Sampler, TaskDraw
from t2l_fast.train.sharded import evened
from t2l_fast.train.start import Start
from t2l_fast.train.validate import Validator
from t2l_fast.train.warm_start import fit


class SFTTrainer:
    """Every row of a step runs its own task's adapter; gradients reach the generator only.

    Args:
        generator: a `TextToLora` or another generator that is a module; moved to the model.
        model: the base model, frozen here.
        tasks: to train on.
        held_out: split name → tasks for the periodic evaluation alone.
        folder: for metrics and checkpoints; several processes must all see it.
        processes: among which the tasks of a step are divided; the main one writes.
        warm_start: fit the generator to briefly trained adapters first; needs a conditioned start.

    Raises:
        ConfigError: fewer tasks than one batch takes, or in a batch than there are processes; a
            warm start without a conditioned one; or `recompute_weights` for another generator than
            `TextToLora`.
        AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
    """

    def __init__(
        self,
        generator: Any,
        model: nn.Module,
        prompt: Prompt,
        tasks: Sequence[Task],
        config: SFTConfig,
        folder: str | Path,
        *,
        held_out: dict[str, Sequence[Task]] | None = None,
        warm_start: WarmStartConfig | None = None,
        processes: Processes | None = None,
    ) -> None:
        count = config.descriptions_per_task or None
        kept = [replace(task, descriptions=task.descriptions[:count]) for task in tasks]
        self.generator, self.model, self.tasks = generator, model, kept
        self.config, self.folder = config, Path(folder)
        self.processes = processes or Processes()
        self.metrics = Metrics(self.folder, kept=self.processes.main)
        self.sampler = Sampler(self.tasks, config)
        device = next(model.parameters()).device
        generator.to(device)
        self.collator = Collator(
            prompt,
            packed=packable(model),
            overhead=config.bucket_overhead,
            max_tokens=config.max_tokens,
            device=device,
        )
        self.validator = Validator(
            {"train": self.tasks, **(held_out or {})},
            self.collator,
            limit=config.eval_tasks,
            examples=config.eval_examples,
            seed=config.seed,
            description_in_prompt=config.description_in_prompt,
            processes=self.processes,
        )
        self.step = 0
        if isinstance(generator, TextToLora) and generator.config.standardise_codes:
            generator.standardise([text for task in self.tasks for text in task.descriptions])
        self.embeddings = [generator.encode(task.descriptions) for task in self.tasks]
        self.start = Start(generator, config)
        self.warm_start = warm_start
        if config.tasks_per_batch < self.processes.count:
            raise ConfigError(
                f"tasks_per_batch must be at least the {self.processes.count} processes, got "
                f"{config.tasks_per_batch}: launch fewer"
            )
        if config.recompute_weights and not isinstance(generator, TextToLora):
            raise ConfigError(
                "recompute_weights needs a TextToLora, which makes adapters layer by layer, got "
                f"{generator.kind}: leave it False"
            )
        if warm_start is not None and not self.start.conditioned:
            raise ConfigError(
                "a warm start needs a conditioned start of a text-conditioned TextToLora with head "
                f"biases, got start={config.start!r} for {generator.kind}"
            )
        self.optimizer: torch.optim.Optimizer

    def train(
        self, *, resume: bool = False, on_step: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Run to the last step; a resumed run continues as if it had not been interrupted.

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
        with self.attached() as adapters:
            begun = self._start(resume)
            if self.warm_start is not None and not begun:
                self._warm(adapters, on_step)
            self.processes.copy_main(self.start.state().values())
            self.generator.train()
            while self.step < self.config.steps:
                line = self._one_step(adapters)
                last = self.step == self.config.steps
                if self.config.eval_every and (self.step % self.config.eval_every == 0 or last):
                    line |= self.validator.measure(self.generator, self.model, adapters)
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
        """
        lora = self.generator.config.lora
        try:
            with frozen(self.model, lora, packed=self.collator.packed) as adapters:
                yield adapters
        finally:
            self.generator.eval()

    def _start(self, resume: bool) -> bool:
        """Whether there is a checkpoint, which is loaded then."""
        # asked once: files appear while slower processes still look
        saved, oracles = self.processes.of_main(
            tuple((self.folder / name).exists() for name in (FILE, ORACLES))
        )
        if not resume and (saved or oracles):
            raise CheckpointError(
                f"{self.folder} holds a run already: resume it, or name another folder"
            )
        if self.processes.main:
            sweep(self.folder, (FILE, ORACLES, METRICS))
        torch.manual_seed(self.config.seed)
        self.start.initialise(self.embeddings)
        self.optimizer = self.start.optimizer()
        if not resume or (oracles and not saved):
            self.metrics.begin()
            return False
        self.step = load_run(self.folder, self.start.state(), self.optimizer, self._run())
        self.metrics.cut(self.step)
        return True

    def _save(self) -> None:
        state = self.start.state()
        self.processes.check_equal(state)
        if self.processes.main:
            save_run(self.folder, self.step, state, self.optimizer, self._run())

    def _warm(self, adapters: Adapters, on_step: Callable[[dict[str, Any]], None] | None) -> None:
        def note(phase: str, done: int, total: int, loss: float) -> None:
            line = {"step": 0, "phase": phase, "done": done, "of": total, "loss": loss}
            self.metrics.add(line)
            if on_step is not None:
                on_step(line)

        assert self.warm_start is not None and self.start.whitened is not None
        oracles = load_oracles(
            self.folder, self.generator.config.lora, self.generator.config.module_shapes
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
                save_oracles(self.folder, oracles)
        fit(
            self.generator,
            self.start.whitened,
            self.optimizer,
            self.embeddings,
            oracles,
            self.warm_start,
            seed=self.config.seed,
            on_step=note,
        )
        self.optimizer = self.start.optimizer()
        self._save()

    def _one_step(self, adapters: Adapters) -> dict[str, Any]:
        clock = StepClock(self.collator.device)
        factor = self.config.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        line = self.backward(adapters, self.sampler.draw(self.step), clock)
        norm = self.start.update(self.optimizer)
        clock.mark("optimizer")
        self.step += 1
        rate = self.config.learning_rate * factor
        more = {"gradient_norm": norm.item(), "learning_rate": rate}
        return {"step": self.step} | line | more | clock.line(line["tokens"])

    def backward(
        self, adapters: Adapters, draws: Sequence[TaskDraw], clock: StepClock | None = None
    ) -> dict[str, Any]:
        """Add the gradients of one step to the generator's, inside `attached`.

        Adapters are made once per task; each micro-batch adds to their gradients, and one backward
        pass through the generator follows. Of several processes each does so for its tasks, and
        the sums over all come back.
        """
        clock = clock or StepClock(self.collator.device)
        codes = draw_codes(self.embeddings, draws, self.config.code_noise)
        rows = self.rows(draws)
        own = self.processes.share(tokens_by_slot(rows))
        batches = evened(self.collator.batches(rows_of(own, rows)), self.model, self.processes)
        noise = int(torch.randint(2**62, ())) if self.config.neftune_alpha else 0
        clock.mark("data")
        kind = Remade if self.config.recompute_weights else Kept
        made = kind(self.generator, codes, None if len(own) == len(draws) else own)
        clock.mark("generate")
        device = self.collator.device.type
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.config.autocast)
        total, tokens = 0.0, 0
        for micro, counts in batches:
            noisy = noisy_embeddings(self.model, micro, self.config.neftune_alpha, noise)
            with adapters.use(micro.slots, weights=made.batch):
                with noisy, autocast:
                    logits, labels = label_logits(self.model, micro)
                    loss = answer_loss(logits, micro, labels, self.config.label_smoothing)
                loss = counts * loss / len(rows)
                clock.mark("forward")
                loss.backward()
            total += loss.item()
            clock.mark("backward")
            tokens += counts * micro.ids.numel()
        penalty = made.finish(self.config.generated_l2 * len(own) / len(draws))
        self.processes.sum_gradients(self.generator.parameters())
        total, penalty, tokens = self.processes.totals(total, penalty, tokens)
        clock.mark("backward")
        return {"loss": total, "l2": penalty, "rows": len(rows), "tokens": int(tokens)}

    def rows(self, draws: Sequence[TaskDraw]) -> list[Row]:
        """The examples of a step; `slot` numbers its tasks."""
        texts = [
            self.tasks[d.task].descriptions[d.descriptions[0]]
            if self.config.description_in_prompt
            else None
            for d in draws
        ]
        made = (
            self.collator.row(slot, example, text)
            for slot, (draw, text) in enumerate(zip(draws, texts, strict=True))
            for example in draw.examples
        )
        return [replace(row, number=number) for number, row in enumerate(made)]

    def _run(self) -> dict[str, Any]:
        """What a checkpoint must agree with: settings, generator and tasks."""
        digest = hashlib.sha256()
        for task in self.tasks:
            digest.update(repr(asdict(task)).encode())
        settings = self.config.to_dict()
        del settings["recompute_weights"]  # the same run in less memory
        return {
            "sft": settings,
            "warm_start": None if self.warm_start is None else asdict(self.warm_start),
            "generator": self.generator.config.to_dict(),
            "tasks": digest.hexdigest()[:16],
        }
