"""split_examples: which examples are trained on, and which are measured."""

from __future__ import annotations

import random
from collections.abc import Sequence

from t2l_fast.tasks.task import Example


def split_examples(
    name: str, examples: Sequence[Example], train_fraction: float
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Cut by distinct inputs, drawn with the name as seed; examples of one input stay together.

    Args:
        train_fraction: of the distinct inputs; at least one input stays for validation.

    Returns:
        Examples to train on, and to measure on.
    """
    inputs = list(dict.fromkeys(example.input.strip() for example in examples))
    random.Random(name).shuffle(inputs)
    chosen = set(inputs[: min(round(train_fraction * len(inputs)), len(inputs) - 1)])
    train = tuple(example for example in examples if example.input.strip() in chosen)
    return train, tuple(example for example in examples if example.input.strip() not in chosen)
