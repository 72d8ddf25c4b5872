"""RunningJob: an adapter in training, its optimiser, and where its data is."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch, LoraWeights, Site
from t2l_fast.adapters.peft_format import Origin
from t2l_fast.train.adapters.data import JobData
from t2l_fast.train.adapters.job import Job
from t2l_fast.train.data.batches import Row
from t2l_fast.train.run.checkpoint import load_run, save_run

Line = dict[str, Any]


class RunningJob:
    """An adapter in training; it owns all that its next step depends on.

    The initial weights, the order of rows and every step are functions of the job alone, whatever
    else is in the batch.

    Fields:
        steps: of the whole job.
        step: steps that are done.
        best: the lowest loss on held-out rows, infinite before the first measurement.
        best_step: after how many steps that was.
        without: measurements since then.

    Args:
        sites: that this job's targets name.
        device: of weights and optimiser.
        dtype: of weights; fp32 unless the base model is fp64.
    """

    def __init__(
        self,
        job: Job,
        data: JobData,
        sites: dict[str, list[Site]],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.job, self.data = job, data
        self.steps_per_epoch = math.ceil(len(data.train) / job.batch)
        self.steps = total_steps(job, data)
        self.step, self.best, self.best_step, self.without = 0, math.inf, 0, 0
        batch = LoraBatch.init(job.lora, sites, 1, seed=job.seed)
        lora_a, lora_b = (
            {m: t.detach()[:, 0].to(device, dtype, copy=True) for m, t in part.items()}
            for part in (batch.lora_a, batch.lora_b)
        )
        self.weights = LoraWeights(job.lora, lora_a, lora_b, batch.paths)
        self._state = {f"a.{m}": t for m, t in lora_a.items()}
        self._state |= {f"b.{m}": t for m, t in lora_b.items()}
        self._best_state = (
            {name: t.clone() for name, t in self._state.items()} if job.measures else {}
        )
        self.optimizer = torch.optim.AdamW(
            list(self._state.values()),
            lr=job.learning_rate,
            betas=job.betas,
            weight_decay=job.weight_decay,
            fused=device.type == "cpu",
        )
        self._order: tuple[int, list[int]] = (-1, [])

    @property
    def ended(self) -> str | None:
        """Return "stopped" after `patience` measurements without a better one, "done" after all
        steps, else None."""
        if self.job.patience and self.without >= self.job.patience:
            return "stopped"
        return "done" if self.step >= self.steps else None

    @property
    def evaluates(self) -> bool:
        """Whether a measurement is due after the steps that are done."""
        every = self.job.eval_every or self.steps_per_epoch
        due = self.step % every == 0 or self.step == self.steps
        return self.job.measures and due

    def rows(self, slot: int) -> list[Row]:
        """Return the rows of the next step."""
        epoch, place = divmod(self.step, self.steps_per_epoch)
        if self._order[0] != epoch:
            order = list(range(len(self.data.train)))
            random.Random(f"{self.job.seed}/{epoch}").shuffle(order)
            self._order = epoch, order
        chosen = self._order[1][place * self.job.batch : (place + 1) * self.job.batch]
        return [self.data.train.row(i, slot) for i in chosen]

    def held_out(self, slot: int) -> list[Row]:
        """Return the rows that it is measured on."""
        return [self.data.held_out.row(i, slot) for i in range(len(self.data.held_out))]

    @torch.no_grad()
    def advance(self, grad_a: dict[str, Tensor], grad_b: dict[str, Tensor]) -> Line:
        """Take one optimiser step; return its learning rate and the norm before clipping.

        Args:
            grad_a: key → gradient of A, `[layers, rank, in]`; changed in place.
            grad_b: key → gradient of B, `[layers, rank, out]`; changed in place.
        """
        gradients = {f"a.{m}": g for m, g in grad_a.items()}
        gradients |= {f"b.{m}": g for m, g in grad_b.items()}
        tensors = list(self._state.values())
        for name, tensor in self._state.items():
            tensor.grad = gradients[name].to(tensor.dtype)
        norm = torch.nn.utils.get_total_norm([t.grad for t in tensors if t.grad is not None])
        if self.job.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(tensors, self.job.clip_norm, norm)
        rate = self.job.learning_rate * self.job.factor(self.step, self.steps)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return {"learning_rate": rate, "gradient_norm": float(norm)}

    @torch.no_grad()
    def measured(self, loss: float) -> None:
        """Keep the weights if their loss on held-out rows is the lowest so far."""
        if loss < self.best:
            self.best, self.best_step, self.without = loss, self.step, 0
            for name, tensor in self._state.items():
                self._best_state[name].copy_(tensor)
        else:
            self.without += 1

    def result(self, origin: Origin) -> LoraWeights:
        """Return the adapter: with held-out rows the best one, else the last.

        Args:
            origin: what it says it was trained on.
        """
        state = self._best_state or self._state
        lora_a, lora_b = (
            {n[2:]: t for n, t in state.items() if n.startswith(part)} for part in ("a.", "b.")
        )
        return LoraWeights(self.job.lora, lora_a, lora_b, self.weights.paths, origin=origin)

    def save(self, folder: Path, settings: dict[str, Any]) -> None:
        """Write everything that the next step depends on.

        Args:
            settings: what a resumed job must agree with.
        """
        save_run(folder, self.step, self._all(), self.optimizer, settings)

    def load(self, folder: Path, settings: dict[str, Any]) -> None:
        """Put back what `save` wrote.

        Raises:
            CheckpointError: it is missing, damaged or of another job.
        """
        state = self._all()
        self.step = load_run(folder, state, self.optimizer, settings)
        record = state["record"].tolist()
        self.best, self.best_step, self.without = record[0], int(record[1]), int(record[2])

    def _all(self) -> dict[str, Tensor]:
        record = torch.tensor([self.best, self.best_step, self.without], dtype=torch.float64)
        best = {f"best.{name}": t for name, t in self._best_state.items()}
        return self._state | best | {"record": record}


def total_steps(job: Job, data: JobData) -> int:
    """Return the steps of a whole job."""
    return job.max_steps or job.epochs * math.ceil(len(data.train) / job.batch)
