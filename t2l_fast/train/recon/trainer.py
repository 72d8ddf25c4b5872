"""Reconstruction: a generator learns to give back a library of task LoRAs (T2L, §3.1)."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import AdapterMismatch, ConfigError
from t2l_fast.files import sweep
from t2l_fast.generators import Generator
from t2l_fast.generators.parts.files import CONFIG_NAME, WEIGHTS_NAME
from t2l_fast.ops import lowrank_l1
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.oracles.library import LoraLibrary
from t2l_fast.train.recon.config import ReconConfig
from t2l_fast.train.run.best import LAST
from t2l_fast.train.run.checkpoint import FILE, check_free, load_run, save_run
from t2l_fast.train.run.metrics import NAME as METRICS
from t2l_fast.train.run.metrics import SETTINGS, Metrics
from t2l_fast.train.run.tracking import Tracking


class ReconTrainer:
    """Regression from descriptions to adapters, without the base model.

    Args:
        generator: its config says whether heads predict z-scores; started anew here.
        library: what to give back.
        config: which loss, and how it is minimised.
        folder: for metrics, checkpoints, and the generator as it was at the last of them; several
            processes must all see it.
        tracking: gets every line of metrics too.
        processes: among which the adapters of a step are divided; the main one writes.

    Raises:
        ConfigError: fewer adapters than one batch takes, or codes in a step than there are
            processes; offsets with factorised z-scores.
        AdapterMismatch: the library's modules, shapes or rank are not the generator's, or z-scores
            over a single adapter.
    """

    def __init__(
        self,
        generator: Generator,
        library: LoraLibrary,
        config: ReconConfig,
        folder: str | Path,
        *,
        tracking: Tracking | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.generator, self.library, self.config = generator, library, config
        self.folder = Path(folder)
        self.processes = processes or Processes()
        self.metrics = Metrics(self.folder, tracking, kept=self.processes.main)
        if len(library) < config.tasks_per_batch:
            raise ConfigError(
                f"tasks_per_batch must be at most the {len(library)} adapters of the library, got "
                f"{config.tasks_per_batch}"
            )
        codes = config.tasks_per_batch * config.descriptions_per_task
        if codes < self.processes.count:
            raise ConfigError(
                f"tasks_per_batch · descriptions_per_task must be at least the "
                f"{self.processes.count} processes, got {codes}: launch fewer"
            )
        if config.factorized and generator.predicts_z_scores and generator.config.offset != "none":
            raise ConfigError(
                "factorised z-scores are learned by heads alone, so offset must be 'none', got "
                f"{generator.config.offset!r}: leave offsets or z-scores out, or compare products "
                "(factorized=False)"
            )
        sizes = generator.config.module_shapes
        shapes = {m: (generator.config.num_layers, *size) for m, size in sizes.items()}
        got = library.adapters.module_shapes
        rank = generator.config.lora.rank
        if got != shapes or library.adapters.config.rank != rank:
            raise AdapterMismatch(
                f"the library must have rank {rank} and (layers, in, out)={shapes}, got rank "
                f"{library.adapters.config.rank} and {got}"
            )
        device = next(generator.parameters()).device
        self.targets = LoraBatch(
            library.adapters.config,
            {m: t.to(device) for m, t in library.adapters.lora_a.items()},
            {m: t.to(device) for m, t in library.adapters.lora_b.items()},
        )
        self.statistics = library.statistics() if generator.predicts_z_scores else {}
        self.predicted = generator.recon_targets(self.targets, self.statistics)
        generator.prepare_codes([text for texts in library.descriptions for text in texts])
        self.embeddings = [generator.encode(texts) for texts in library.descriptions]
        self.processes.copy_main(self.embeddings)  # processors may differ in the last bits
        self.step = 0
        self.optimizer: torch.optim.Optimizer

    def train(
        self, *, resume: bool = False, on_step: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Run to the last step; a resumed run continues as if it had not been interrupted.

        Args:
            resume: continue from the checkpoint in the folder.
            on_step: called with each line of metrics, in the main process.

        Raises:
            CheckpointError: nothing to resume, another run's checkpoint, or (not resuming) a run,
                a library or a generator is in the folder already.
            DistributedError: another process ended, or differs from this one.
        """
        with closing(self.metrics):
            self._start(resume)
            self.generator.train()
            while self.step < self.config.steps:
                line = self._one_step()
                last = self.step == self.config.steps
                every = self.config.eval_every
                if every and (self.step % every == 0 or last):
                    line |= self.measure()
                self.metrics.add(line)
                if self.step % self.config.save_every == 0 or last:
                    self._save()
                if on_step is not None and self.processes.main:
                    on_step(line)
        self.generator.eval()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """The loss over the whole library: of each task's first description, and of another's.

        Equal numbers say that adapters don't depend on their description. A library of one has no
        other.
        """
        count = len(self.library)
        codes = torch.stack([rows[0] for rows in self.embeddings])
        totals = [0.0, 0.0]
        size = self.config.tasks_per_batch
        starts = range(0, count, size)
        with self.generator.inference():
            for start in starts[self.processes.rank :: self.processes.count]:
                chosen = torch.arange(start, min(start + size, count))
                for kind, described in enumerate((chosen, (chosen + count // 2) % count)):
                    loss = self.loss(self.generator.latents(codes[described]), chosen)
                    totals[kind] += loss.item() * len(chosen) / count
        matched, shuffled = self.processes.totals(*totals)
        losses = {"matched_loss": matched, "shuffled_loss": shuffled}
        return losses if count > 1 else {"matched_loss": matched}

    def finish(self) -> None:
        """Bring what learned a scaled ΔW back to the adapters' size; once, after training."""
        self.generator.load_state_dict(self.generator.unscaled_state(self._root))

    @property
    def _root(self) -> float:
        """What A and B are learned times, each, so that ΔW is learned times its scale."""
        unscaled = self.config.factorized or self.generator.predicts_z_scores
        return 1.0 if unscaled else self.config.delta_w_scale**0.5

    def loss(self, latents: Tensor, chosen: Tensor) -> Tensor:
        """The mean over module types; `chosen` `[N]` are the adapters of what latents are of.

        Factorised: ½ mean|Â − A| + ½ mean|B̂ − B|, on z-scores where heads predict those. Else
        mean|B̂ᵀÂ − c·BᵀA|; with z-scores c·mean|…| of the adapters that they stand for.
        """
        scale, parts = self.config.delta_w_scale, []
        if self.config.factorized:
            batch, targets = self.generator.recon_predictions(latents), self.predicted
        else:
            batch, targets = self.generator.adapters(latents), self.targets
        inside, outside = (1.0, scale) if self.generator.predicts_z_scores else (scale, 1.0)
        for m in targets.lora_a:
            a, b = targets.lora_a[m][:, chosen], targets.lora_b[m][:, chosen]
            if self.config.factorized:
                distances = (batch.lora_a[m] - a).abs().mean(), (batch.lora_b[m] - b).abs().mean()
                parts.append(0.5 * distances[0] + 0.5 * distances[1])
            else:
                predicted = batch.lora_a[m], batch.lora_b[m]
                parts.append(outside * lowrank_l1(*predicted, a, b, scale=inside))
        return torch.stack(parts).mean()

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Codes `[N, d_e]` of a step, and the adapter of each; a function of seed and step."""
        size, count = self.config.tasks_per_batch, len(self.library)
        epoch, index = divmod(step, count // size)
        order = list(range(count))
        random.Random(f"{self.config.seed}/epoch/{epoch}").shuffle(order)
        rng = random.Random(f"{self.config.seed}/step/{step}")
        chosen, codes = [], []
        for task in order[index * size : (index + 1) * size]:
            rows = self.embeddings[task]
            for _ in range(self.config.descriptions_per_task):
                chosen.append(task)
                codes.append(rows[rng.randrange(len(rows))])
        return torch.stack(codes), torch.tensor(chosen)

    def _one_step(self) -> dict[str, Any]:
        started = time.perf_counter()
        rate = self.config.learning_rate * self.config.factor(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        codes, chosen = self.draw(self.step)
        own = self.processes.share([1] * len(codes))
        share = len(own) / len(codes)
        latents = self.generator.latents(codes)  # of all: what is random is drawn for all
        if share < 1:
            latents, chosen = self.generator.pick(latents, own), chosen[own]
        loss = share * self.loss(latents, chosen)
        extra = self.generator.auxiliary_losses()
        sum((share * value for value in extra.values()), loss).backward()
        self.processes.sum_gradients(self.generator.parameters())
        (total,) = self.processes.totals(loss.item())
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return {
            "step": self.step,
            "loss": total,
            **{name: value.item() for name, value in extra.items()},
            "gradient_norm": norm.item(),
            "learning_rate": rate,
            "seconds": time.perf_counter() - started,
        }

    def _save(self) -> None:
        self.processes.check_equal(self._state())
        if self.processes.main:
            # not rounded to fp16: heads of a scaled ΔW are too small for it
            state = self.generator.unscaled_state(self._root)
            self.generator.save_pretrained(self.folder / LAST, state=state)
            # last, so that a run killed in between writes both again
            save_run(self.folder, self.step, self._state(), self.optimizer, self._run)

    def _start(self, resume: bool) -> None:
        self.processes.check_same(self._run)
        if not resume:
            check_free(self.folder, self.processes)
        if self.processes.main:
            names = (FILE, METRICS, SETTINGS, CONFIG_NAME, WEIGHTS_NAME)
            sweep(self.folder, names)
            sweep(self.folder / LAST, ("*",))
        torch.manual_seed(self.config.seed)
        generator = self.generator
        generator.start_reconstruction(self.statistics, scale=self._root)
        self.optimizer = torch.optim.AdamW(
            generator.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )
        if resume:
            self.step = load_run(self.folder, self._state(), self.optimizer, self._run)
            self.metrics.cut(self.step, self._run)
        else:
            self.metrics.begin(self._run)
        self.processes.copy_main(self._state().values())

    def _state(self) -> dict[str, Tensor]:
        return {**dict(self.generator.named_parameters()), **dict(self.generator.named_buffers())}

    @cached_property
    def _run(self) -> dict[str, Any]:
        """What a checkpoint must agree with: settings, generator and library."""
        digest = hashlib.sha256(repr((self.library.names, self.library.descriptions)).encode())
        for tensor in self.targets.parameters():
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return {
            "recon": asdict(self.config),
            "generator": self.generator.config.to_dict(),
            "library": digest.hexdigest()[:16],
        }
