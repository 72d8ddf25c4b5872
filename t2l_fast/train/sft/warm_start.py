"""A warm start: the generator fitted to briefly trained adapters of every task."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters, LoraBatch
from t2l_fast.generators import Generator
from t2l_fast.tasks import Task
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.oracles.batched import concatenated, train_oracles
from t2l_fast.train.oracles.config import OracleConfig
from t2l_fast.train.run.run import Run
from t2l_fast.train.sft.config import WarmStartConfig
from t2l_fast.train.sft.optimizer import GeneratorOptimizer
from t2l_fast.train.sft.oracle_file import load_oracles, save_oracles

Progress = Callable[[str, int, int, float], None]
"""Called with what is done, how far, of how many, and the loss."""


class WarmStart:
    """What comes before the first step of a run with a warm start.

    Args:
        config: how long.
        run: open; gets lines of metrics.
        generator: what is fitted.
        optimizer: initialised from a conditioned start; made anew afterwards.
        seed: of the run.
    """

    def __init__(
        self,
        config: WarmStartConfig,
        run: Run,
        generator: Generator,
        optimizer: GeneratorOptimizer,
        seed: int,
    ) -> None:
        self.config, self.run, self.seed = config, run, seed
        self.generator, self.optimizer = generator, optimizer

    def fit(
        self,
        model: nn.Module,
        adapters: Adapters,
        collator: Collator,
        tasks: Sequence[Task],
        embeddings: Sequence[Tensor],
    ) -> None:
        """Train an adapter for every task and fit the generator to them.

        An interrupted run finds its adapters in the folder.

        Args:
            adapters: attached to the model.
            embeddings: of every task's training descriptions, `[D, d_e]` each.

        Raises:
            CheckpointError: adapters in the folder are damaged, or of another run.
        """
        assert self.run.folder is not None
        shape, settings = self.generator.config, self.run.settings
        oracles = load_oracles(self.run.folder, shape.lora, shape.module_shapes, settings)
        if oracles is None:
            oracles = self._train(model, adapters, collator, tasks)
            if self.run.processes.main:
                save_oracles(self.run.folder, oracles, settings)
        parts = self.generator, self.optimizer, embeddings, oracles, self.config
        fit(*parts, seed=self.seed, on_step=self._log)
        self.optimizer.reset()

    def _train(
        self, model: nn.Module, adapters: Adapters, collator: Collator, tasks: Sequence[Task]
    ) -> LoraBatch:
        warm = self.config
        config = OracleConfig(
            warm.steps, warm.examples, warm.tasks_at_once, warm.learning_rate, seed=self.seed
        )
        # all start where the new generator starts, and few steps keep them close to each
        # other, so that a function of the description can follow
        start = self.generator.generate(codes=torch.zeros(1, *self.generator.code_shape))
        parts: list[LoraBatch] = []
        processes = self.run.processes
        for group in train_oracles(
            start, model, adapters, collator, tasks, config, processes=processes
        ):
            parts.append(group.adapters)
            self._log("oracles", sum(map(len, parts)), len(tasks), group.loss)
        return concatenated(parts)

    def _log(self, phase: str, done: int, total: int, loss: float) -> None:
        self.run.log({"step": 0, "phase": phase, "done": done, "of": total, "loss": loss})


def fit(
    generator: Generator,
    optimizer: GeneratorOptimizer,
    embeddings: Sequence[Tensor],
    oracles: LoraBatch,
    config: WarmStartConfig,
    *,
    seed: int,
    on_step: Progress | None = None,
) -> None:
    """Fit the generator to the oracles: heads by least squares, then all of it by gradients.

    Args:
        optimizer: over the trunk and the whitened heads.
        embeddings: of every task's training descriptions, `[D, d_e]` each.
    """
    whitened, adamw = optimizer.whitened, optimizer.adamw
    assert whitened is not None
    rng = random.Random(f"{seed}/fit")
    targets = [t.to(generator.anchor.device) for t in oracles.parameters()]
    scales = [1.0 / (t - t.mean(1, keepdim=True)).square().mean().clamp(min=1e-12) for t in targets]
    whitened.least_squares(embeddings, oracles)
    generator.train()
    for step in range(config.fit_steps):
        chosen = rng.sample(range(len(embeddings)), min(config.fit_tasks, len(embeddings)))
        codes = torch.stack([rng.choice(list(embeddings[i])) for i in chosen])
        batch = generator(codes)
        index = torch.tensor(chosen)
        pairs = zip(batch.parameters(), targets, scales, strict=True)
        loss = torch.stack([s * (p - t[:, index]).square().mean() for p, t, s in pairs]).mean()
        sum(generator.auxiliary_losses().values(), loss).backward()
        whitened.pull_gradients()
        for group in adamw.param_groups:
            group["lr"] = config.fit_learning_rate * (1.0 - step / config.fit_steps)
        adamw.step()
        whitened.push_values()
        adamw.zero_grad()
        generator.zero_grad()
        if on_step is not None and (step + 1) % 20 == 0:
            on_step("fit", step + 1, config.fit_steps, loss.item())
