"""Draft: a task as a family writes it down; `Draft.build` draws its examples and rewordings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.suite.rewording import reword, words_of
from t2l_fast.tasks.task import Example, Task

VALIDATION = 24
"""Validation examples per task, at most a third of its pairs."""
EXAMPLES = 240
"""Examples per task at most."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One task of a family.

    Args:
        name: unique inside the family, kebab-case.
        descriptions: at least 12, to train with; `build` adds a rewording of each.
        eval_descriptions: at least 4, worded unlike those.
        pairs: all its inputs and outputs, in a fixed order.
        group: near-twins share it, across families too; None = no twin.
    """

    name: str
    descriptions: tuple[str, ...]
    eval_descriptions: tuple[str, ...]
    pairs: Mapping[str, str]
    group: str | None = None

    def build(self, family: str) -> Task:
        """Return the task: pairs shuffled with its name as seed, cut to `EXAMPLES`, and split.

        Its descriptions are the draft's own, then the rewordings that are new.
        """
        name = f"{family}/{self.name}"
        pairs = list(self.pairs.items())
        random.Random(name).shuffle(pairs)
        examples = tuple(Example(source, target) for source, target in pairs[:EXAMPLES])
        held = min(VALIDATION, len(examples) // 3)
        output_words = words_of({example.output for example in examples})
        reworded = [reword(text, name, keep=output_words) for text in self.descriptions]
        reworded = [text for text in reworded if text not in self.eval_descriptions]
        return Task(
            name,
            family,
            tuple(dict.fromkeys((*self.descriptions, *reworded))),
            self.eval_descriptions,
            train=examples[held:],
            validation=examples[:held],
            group=self.group,
        )


def map_inputs(inputs: Iterable[str], function: Callable[[str], str | None]) -> dict[str, str]:
    """Return `{input: function(input)}`, without the inputs for which it gives None."""
    outputs = ((source, function(source)) for source in inputs)
    return {source: target for source, target in outputs if target}


def fill_templates(templates: Sequence[str], *phrases: str) -> tuple[str, ...]:
    """Fill `{}` of each template with the phrases in turn, so that both vary."""
    return tuple(t.format(phrases[i % len(phrases)]) for i, t in enumerate(templates))
