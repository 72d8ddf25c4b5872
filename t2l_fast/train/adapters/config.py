"""Options of a run of many jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from t2l_fast.bounds import check_bounds


@dataclass(frozen=True, slots=True)
class MultiLoraConfig:
    """How many jobs run at once, and how much of them goes through the model in one pass.

    Args:
        slots: jobs that run at once; the others wait for one to end.
        max_tokens: tokens of one pass, padding included; a longer row goes alone.
        save_every: rounds between checkpoints; in a round every running job takes one step.
        recompute_activations: keep each layer's input alone, and run the layer again in backward.
        seed: seeds each job's dropout.

    Raises:
        ConfigError: a value is out of its range.
    """

    slots: Annotated[int, Ge(1)] = 64
    max_tokens: Annotated[int, Ge(1)] = 4096
    save_every: Annotated[int, Ge(1)] = 50
    recompute_activations: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        check_bounds(self)
