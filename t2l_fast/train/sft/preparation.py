"""What a step trains on, ready for the model but for its device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from t2l_fast.tasks import Task
from t2l_fast.train.data.batches import MicroBatch, Row, rows_of, tokens_by_slot
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.sft.config import SFTConfig
from t2l_fast.train.sft.sampler import Sampler, TaskDraw


@dataclass(frozen=True, slots=True)
class Prepared:
    """One step.

    Fields:
        draws: its tasks, of all processes.
        rows: how many rows they have together.
        own: indices of the tasks that this process takes.
        batches: their rows, on the CPU; `slot` numbers this process's tasks.
    """

    draws: list[TaskDraw]
    rows: int
    own: list[int]
    batches: list[MicroBatch]

    @property
    def share(self) -> float:
        """The part of the step's tasks that this process takes; all processes sum to 1."""
        return len(self.own) / len(self.draws)


class Preparation:
    """Makes steps from their numbers alone, in any thread.

    Args:
        tasks: to train on.
        processes: among which the tasks of a step are divided.
        after: as for `Sampler`.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        config: SFTConfig,
        collator: Collator,
        processes: Processes,
        after: str = "",
    ) -> None:
        self.tasks, self.collator, self.processes = tasks, collator, processes
        self.sampler = Sampler(tasks, config, after)
        self._in_prompt = config.description_in_prompt

    def step(self, number: int) -> Prepared:
        """Draw and prepare a step by its number."""
        return self.of(self.sampler.draw(number))

    def of(self, draws: list[TaskDraw]) -> Prepared:
        """Prepare the step of these draws."""
        rows = self.rows(draws)
        own = self.processes.share(tokens_by_slot(rows))
        return Prepared(draws, len(rows), own, self.collator.prepared(rows_of(own, rows)))

    def rows(self, draws: Sequence[TaskDraw]) -> list[Row]:
        """Return the examples of a step; `slot` numbers its tasks."""
        texts = [
            self.tasks[d.task].descriptions[d.descriptions[0]] if self._in_prompt else None
            for d in draws
        ]
        unnumbered = (
            self.collator.row(slot, example, text)
            for slot, (draw, text) in enumerate(zip(draws, texts, strict=True))
            for example in draw.examples
        )
        return [replace(row, number=number) for number, row in enumerate(unnumbered)]
