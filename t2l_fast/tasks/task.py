"""Task: something to do with a short text, told by its descriptions and shown by its examples."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.errors import TaskError


@dataclass(frozen=True, slots=True)
class Example:
    """One input and its output.

    Args:
        input: what the user says.
        output: what the model is to answer.
        answers: further outputs that count as right.
        system: what a system message says; "" = none.
        prefill: how the answer begins; given to the model, not learned, and no part of `output`.
    """

    input: str
    output: str
    answers: tuple[str, ...] = ()
    system: str = ""
    prefill: str = ""

    def accepts(self, answer: str) -> bool:
        """Return whether an answer matches exactly, up to white space at both ends."""
        return answer.strip() in {text.strip() for text in (self.output, *self.answers)}


@dataclass(frozen=True, slots=True)
class Task:
    """What to do (descriptions), and examples to learn from and to be measured on.

    Args:
        name: unique, such as "pick_category/animal".
        family: tasks of one family are built alike.
        descriptions: to train with.
        eval_descriptions: worded unlike those, never trained with.
        train: examples to learn from.
        validation: examples with other inputs, to measure on.
        group: near-twins share it and stay on one side of every split; None = the task alone.

    Raises:
        TaskError: there is no description or no example, or one is empty.
    """

    name: str
    family: str
    descriptions: tuple[str, ...]
    eval_descriptions: tuple[str, ...]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    group: str | None = None

    def __post_init__(self) -> None:
        texts = (*self.descriptions, *self.eval_descriptions)
        if not self.descriptions or not all(text.strip() for text in texts):
            raise TaskError(f"task {self.name!r} must have descriptions, none of them empty")
        if not (self.train or self.validation):
            raise TaskError(f"task {self.name!r} must have at least one example, got none")
        for example in (*self.train, *self.validation):
            if not example.input.strip() or not example.output.strip():
                raise TaskError(f"task {self.name!r} has an example with an empty side: {example}")

    @property
    def twins(self) -> str:
        """The group, or the task's own name."""
        return self.group or self.name
