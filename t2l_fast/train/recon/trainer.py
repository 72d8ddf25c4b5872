"""Reconstruction: a generator learns to give back a library of task LoRAs (T2L, §3.1)."""

from __future__ import annotations

import random
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.generators import Generator
from t2l_fast.generators.parts.files import CONFIG_NAME, WEIGHTS_NAME
from t2l_fast.train.data.embeddings import embedded, keep_embeddings
from t2l_fast.train.distributed.digest import content_digest
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.oracles.library import LoraLibrary
from t2l_fast.train.recon.config import ReconConfig
from t2l_fast.train.recon.loss import ReconLoss, check_library
from t2l_fast.train.run.layout import CHECKPOINT
from t2l_fast.train.run.progress import Progress, silent
from t2l_fast.train.run.run import Line, OnStep, Run, Schedule
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
        embedding_cache: a file that keeps embeddings (`CachedEncoder`); None = none.
        progress: called while descriptions are embedded.
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
        embedding_cache: str | Path | None = None,
        progress: Progress = silent,
    ) -> None:
        self.generator, self.library, self.config = generator, library, config
        self.folder, self.processes = Path(folder), processes or Processes()
        check_library(generator, library, config, self.processes.count)
        files = (CHECKPOINT, CONFIG_NAME, WEIGHTS_NAME)
        self.run = Run(self.folder, self.processes, tracking, files=files)
        self.embedding_cache, self.progress = embedding_cache, progress
        self.recon_loss = ReconLoss(generator, library, config)
        self.optimizer: torch.optim.Optimizer

    @property
    def step(self) -> int:
        """Steps that are done."""
        return self.run.step

    @cached_property
    def embeddings(self) -> list[Tensor]:
        """Codes of every adapter's descriptions, `[D, d_e]` each; embedded when first used."""
        texts = self.library.descriptions
        keep_embeddings(self.generator, self.embedding_cache)
        self.generator.prepare_codes([text for own in texts for text in own])
        embeddings = embedded(self.generator, texts, self.progress)
        self.processes.copy_main(embeddings)  # processors may differ in the last bits
        return embeddings

    def train(self, *, resume: bool = False, on_step: OnStep | None = None) -> None:
        """Run to the last step; a resumed run continues as if it had not been interrupted.

        Args:
            resume: continue from the checkpoint in the folder.
            on_step: called with each line of metrics, in the main process.

        Raises:
            CheckpointError: nothing to resume, another run's checkpoint, or (not resuming) a run,
                a library or a generator is in the folder already.
            DistributedError: another process ended, or differs from this one.
            EncoderError: a description can't be embedded.
        """
        config, run = self.config, self.run
        run.open(self._settings, resume=resume, on_step=on_step)
        with run:
            self.start()
            if resume:
                run.load(self._state(), self.optimizer)
            else:
                run.begin()
            self.processes.copy_main(self._state().values())
            self.generator.train()
            schedule = Schedule(config.steps, config.save_every, config.eval_every)
            run.follow(schedule, self._advance, self._save, self.measure)
        self.generator.eval()

    def prepare(self) -> None:
        """Embed the descriptions; `train` does it first, once.

        Raises:
            EncoderError: a description can't be embedded.
        """
        _ = self.embeddings

    def start(self) -> None:
        """Embed the descriptions, and start the generator and its optimiser."""
        self.prepare()
        torch.manual_seed(self.config.seed)
        loss = self.recon_loss
        self.generator.start_reconstruction(loss.statistics, scale=loss.scale)
        self.optimizer = torch.optim.AdamW(
            self.generator.parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
        )

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Return the loss over the library: of each task's first description, and of another's.

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
                    loss = self.recon_loss.of(self.generator.latents(codes[described]), chosen)
                    totals[kind] += loss.item() * len(chosen) / count
        matched, shuffled = self.processes.totals(*totals)
        losses = {"matched_loss": matched, "shuffled_loss": shuffled}
        return losses if count > 1 else {"matched_loss": matched}

    def finish(self) -> None:
        """Bring what learned a scaled ΔW back to the adapters' size; once, after training."""
        self.generator.load_state_dict(self.generator.unscaled_state(self.recon_loss.scale))

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Draw codes `[N, d_e]` and the adapter of each; a function of seed and step."""
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

    def _advance(self, step: int) -> Line:
        rate = self.config.learning_rate * self.config.factor(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        codes, chosen = self.draw(step)
        own = self.processes.share([1] * len(codes))
        share = len(own) / len(codes)
        latents = self.generator.latents(codes)  # of all: what is random is drawn for all
        if share < 1:
            latents, chosen = self.generator.pick(latents, own), chosen[own]
        loss = share * self.recon_loss.of(latents, chosen)
        extra = self.generator.auxiliary_losses()
        sum((share * value for value in extra.values()), loss).backward()
        self.processes.sum_gradients(self.generator.parameters())
        (total,) = self.processes.totals(loss.item())
        norm = nn.utils.clip_grad_norm_(self.generator.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return {
            "step": step + 1,
            "loss": total,
            **{name: value.item() for name, value in extra.items()},
            "gradient_norm": norm.item(),
            "learning_rate": rate,
        }

    def _save(self) -> None:
        def write(folder: Path) -> None:
            # not rounded to fp16: heads of a scaled ΔW are too small for it
            state = self.generator.unscaled_state(self.recon_loss.scale)
            self.generator.save_pretrained(folder, state=state)

        self.run.save(self._state(), self.optimizer, write)

    def _state(self) -> dict[str, Tensor]:
        return {**dict(self.generator.named_parameters()), **dict(self.generator.named_buffers())}

    @cached_property
    def _settings(self) -> dict[str, Any]:
        """What a checkpoint must agree with: settings, generator and library."""
        about = repr((self.library.names, self.library.descriptions)).encode()
        content = content_digest(self.recon_loss.targets.parameters(), about)
        return {
            "recon": asdict(self.config),
            "generator": self.generator.config.to_dict(),
            "library": content[:16],
        }
