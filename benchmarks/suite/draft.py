"""Draft: what a family module writes down; `Draft.build` makes the seeded Task of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.suite.rewording import reworded, words_of
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
        descriptions: at least 12, to train with; each gets another one that is worded otherwise.
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
        """Shuffle with the name as seed, cut to `EXAMPLES`, and set validation apart.

        The descriptions are the draft's own, then what of their rewordings is new.
        """
        name = f"{family}/{self.name}"
        pairs = list(self.pairs.items())
        random.Random(name).shuffle(pairs)
        examples = tuple(Example(source, target) for source, target in pairs[:EXAMPLES])
        held = min(VALIDATION, len(examples) // 3)
        said = words_of({example.output for example in examples})
        others = [reworded(text, name, keep=said) for text in self.descriptions]
        others = [text for text in others if text not in self.eval_descriptions]
        return Task(
            name,
            family,
            tuple(dict.fromkeys((*self.descriptions, *others))),
            self.eval_descriptions,
            train=examples[held:],
            validation=examples[:held],
            group=self.group,
        )


def mapped(pool: Iterable[str], function: Callable[[str], str | None]) -> dict[str, str]:
    """`{input: function(input)}` over a pool, without the inputs for which it gives None."""
    made = ((source, function(source)) for source in pool)
    return {source: target for source, target in made if target}


def worded(templates: Sequence[str], *phrases: str) -> tuple[str, ...]:
    """Fill `{}` of each template with the phrases in turn, so that both vary."""
    return tuple(t.format(phrases[i % len(phrases)]) for i, t in enumerate(templates))
