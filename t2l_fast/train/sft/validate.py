"""Matched, shuffled and junk accuracy during training: do adapters follow their description?"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters
from t2l_fast.generators import Generator
from t2l_fast.tasks import JUNK, Task
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.equal_counts import with_equal_counts
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.losses import exact_matches
from t2l_fast.train.sft.config import SFTConfig

_GENERATED = 64


class Validator:
    """Exact match on validation examples: under a task's own description, another's, and junk.

    Args:
        tasks: split name → tasks; of each split at most `limit` are drawn, with `seed`.
        examples: validation examples per task.
        processes: among which tasks are divided.
        fresh: embed texts anew for every measure, as an encoder that is trained must.
    """

    def __init__(
        self,
        tasks: dict[str, Sequence[Task]],
        collator: Collator,
        *,
        limit: int,
        examples: int,
        seed: int,
        description_in_prompt: bool = False,
        processes: Processes | None = None,
        fresh: bool = False,
    ) -> None:
        rng = random.Random(seed)
        self.processes = processes or Processes()
        self.collator = collator
        self.examples = examples
        self.in_prompt = description_in_prompt
        self.tasks = {
            split: rng.sample(group, min(limit, len(group)))
            for split, all_tasks in tasks.items()
            if (group := [task for task in all_tasks if task.validation])
        }
        self.codes: dict[str, Tensor] = {}
        self.junk: Tensor | None = None
        self.fresh = fresh

    @classmethod
    def of(
        cls,
        config: SFTConfig,
        tasks: dict[str, Sequence[Task]],
        collator: Collator,
        processes: Processes,
    ) -> Validator:
        """Return the validator that a run's config asks for."""
        return cls(
            tasks,
            collator,
            limit=config.eval_tasks,
            examples=config.eval_examples,
            seed=config.seed,
            description_in_prompt=config.description_in_prompt,
            processes=processes,
            fresh=config.encoder_rank > 0,
        )

    @property
    def names(self) -> dict[str, list[str]]:
        """The tasks that are measured, by split."""
        return {split: [task.name for task in tasks] for split, tasks in self.tasks.items()}

    @torch.no_grad()
    def measure(
        self, generator: Generator, model: nn.Module, adapters: Adapters
    ) -> dict[str, float]:
        """Return exact match by `"<split>_matched"`, `"<split>_shuffled"` and `"<split>_junk"`.

        One-hot generators know no texts, and so no junk.
        """
        run = generator, model, adapters
        if self.fresh:
            self.codes, self.junk = {}, None
        accuracies = {}
        for split, tasks in self.tasks.items():
            texts = [(task.eval_descriptions or task.descriptions)[0] for task in tasks]
            if split not in self.codes:
                self.codes[split] = generator.encode(texts)
            codes = self.codes[split]
            own = range(len(tasks))
            accuracies[f"{split}_matched"] = self._accuracy(*run, tasks, codes, texts, own)
            others = _others(tasks)
            accuracies[f"{split}_shuffled"] = self._accuracy(*run, tasks, codes, texts, others)
            if not generator.known_conditions:
                if self.junk is None:
                    self.junk = generator.encode(JUNK)
                any_junk = [i % len(JUNK) for i in own]
                key = f"{split}_junk"
                accuracies[key] = self._accuracy(*run, tasks, self.junk, JUNK, any_junk)
        return accuracies

    def _accuracy(
        self,
        generator: Generator,
        model: nn.Module,
        adapters: Adapters,
        tasks: Sequence[Task],
        codes: Tensor,
        texts: Sequence[str],
        shown: Sequence[int],
    ) -> float:
        """Share of right rows where task i runs the adapter of `texts[shown[i]]`."""
        right = rows = 0
        size = _GENERATED * self.processes.count
        for start in range(0, len(tasks), size):
            chosen, own = self.processes.chunk(range(len(tasks))[start : start + size])
            distinct = list(dict.fromkeys(shown[i] for i in chosen))
            batch = generator.generate(codes=codes[distinct])
            examples = [
                self.collator.row(
                    distinct.index(shown[i]),
                    example,
                    texts[shown[i]] if self.in_prompt else None,
                )
                for i in chosen
                for example in tasks[i].validation[: self.examples]
            ]
            batches = self.collator.batches(examples)
            for micro, counts in with_equal_counts(batches, model, self.processes):
                with adapters.use(micro.slots, weights=batch):
                    matches = exact_matches(model, micro)
                if own and counts:
                    right += int(matches.sum())
                    rows += len(matches)
        right, rows = self.processes.totals(right, rows)
        return right / rows


def _others(tasks: Sequence[Task]) -> list[int]:
    """For each task another one, no near-twin where there is one."""
    count = len(tasks)
    chosen = []
    for i, task in enumerate(tasks):
        order = [(i + count // 2 + k) % count for k in range(count)]
        chosen.append(next((j for j in order if tasks[j].twins != task.twins), order[0]))
    return chosen
