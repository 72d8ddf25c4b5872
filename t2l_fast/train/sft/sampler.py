"""Which tasks, descriptions and examples a step trains on; a function of seed and step alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from t2l_fast.tasks import Example, Task
from t2l_fast.train.data.order import check_tasks, chunked
from t2l_fast.train.sft.config import SFTConfig


@dataclass(frozen=True, slots=True)
class TaskDraw:
    """One task of a step: two of its descriptions, how to vary their code, and its examples."""

    task: int
    descriptions: tuple[int, int]
    mixture: float  # share of the second description
    examples: tuple[Example, ...]
    noise_seed: int | None = None  # of the noise on its code; None = none


class Sampler:
    """Every epoch shows each task once, in chunks of `contrast` tasks of one family.

    Tasks of a chunk get the same inputs where they share them, so that only the adapter can tell
    their answers apart. A step is drawn from its number, so a resumed run continues unchanged.

    Args:
        after: fingerprint of the generator that a run goes on from, whose own run must not be drawn
            once more; empty = none.

    Raises:
        ConfigError: fewer tasks than one batch takes, or one without training examples.
    """

    def __init__(self, tasks: Sequence[Task], config: SFTConfig, after: str = "") -> None:
        check_tasks(tasks, config.tasks_per_batch)
        self.tasks = tasks
        self.config = config
        self._seed = f"{config.seed}/{after}" if after else str(config.seed)
        self._by_input = [{e.input: e for e in task.train} for task in tasks]
        self._epoch = lru_cache(maxsize=2)(self._make_epoch)

    @property
    def steps_per_epoch(self) -> int:
        """Return how many steps see every task once."""
        return len(self.tasks) // self.config.tasks_per_batch

    def draw(self, step: int) -> list[TaskDraw]:
        """Draw the tasks of a step, in chunk order."""
        epoch, index = divmod(step, self.steps_per_epoch)
        size = self.config.tasks_per_batch
        chosen = self._epoch(epoch)[index * size : (index + 1) * size]
        rng = random.Random(f"{self._seed}/step/{step}")
        draws: list[TaskDraw] = []
        for start in range(0, size, self.config.contrast):
            draws += self._chunk(chosen[start : start + self.config.contrast], rng)
        if not self.config.code_noise or step < self.config.code_noise_from:
            return draws
        noise = random.Random(f"{self._seed}/noise/{step}")
        return [replace(draw, noise_seed=noise.getrandbits(63)) for draw in draws]

    def _chunk(self, tasks: Sequence[int], rng: random.Random) -> list[TaskDraw]:
        wanted: list[str] = []
        draws = []
        for task in tasks:
            known = self._by_input[task]
            shared = [known[source] for source in wanted if source in known]
            rest = [e for e in self.tasks[task].train if e not in shared]
            count = min(self.config.examples_per_task, len(known))
            examples = (shared + rng.sample(rest, min(count, len(rest))))[:count]
            wanted = wanted or [e.input for e in examples]
            texts = len(self.tasks[task].descriptions)
            pair = rng.randrange(texts), rng.randrange(texts)
            mixture = rng.random() if self.config.mix_descriptions else 0.0
            draws.append(TaskDraw(task, pair, mixture, tuple(examples)))
        return draws

    def _make_epoch(self, epoch: int) -> list[int]:
        rng = random.Random(f"{self._seed}/epoch/{epoch}")
        return chunked([task.family for task in self.tasks], self.config.contrast, rng)
