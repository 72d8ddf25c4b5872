"""Who answers which questions: generated adapters and their rivals."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from t2l_fast.adapters import LoraWeights
from t2l_fast.errors import ArgumentError
from t2l_fast.generators.base import Generator
from t2l_fast.tasks import Example, Task


@dataclass(frozen=True, slots=True)
class Question:
    """One example to answer, and the description that its adapter or prompt gets."""

    task: Task
    example: Example
    description: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Who answers: which adapters run, and whether the prompt holds the description."""

    name: str
    described: bool = False
    adapter: LoraWeights | None = None
    own: Mapping[str, LoraWeights] | None = None  # by the name of the task that each was trained on
    generator: Generator | None = None
    descriptions: str = "matched"  # for a generator: "matched", "shuffled" or "junk"


def conditions(
    generator: Generator,
    *,
    multi_task: LoraWeights | None = None,
    multi_task_described: LoraWeights | None = None,
    oracles: Mapping[str, LoraWeights] | None = None,
) -> list[Condition]:
    """List the generated adapters and their rivals.

    Args:
        generator: whose adapters are measured, with matched, shuffled and junk descriptions.
        multi_task: one LoRA trained on all tasks, never shown a description.
        multi_task_described: one LoRA trained with the description in the prompt.
        oracles: a LoRA of its own for every task that is evaluated, by the task's name.
    """
    rivals = [Condition("base"), Condition("base + description", described=True)]
    if multi_task is not None:
        rivals.append(Condition("multi-task LoRA", adapter=multi_task))
    if multi_task_described is not None:
        name = "multi-task LoRA + description"
        rivals.append(Condition(name, described=True, adapter=multi_task_described))
    if oracles is not None:
        rivals.append(Condition("oracles", own=oracles))
    for kind in ("matched", "shuffled", "junk"):
        rivals.append(Condition(f"generated, {kind}", generator=generator, descriptions=kind))
    return rivals


def questions(tasks: Sequence[Task], examples: int, *, seed: int = 0) -> list[Question]:
    """Ask each task's validation examples, each with one of its evaluation descriptions.

    Args:
        tasks: each with validation examples and evaluation descriptions.
        examples: how many of a task's validation examples, its first.
        seed: of the order.

    Raises:
        ArgumentError: there are none, or a task has no evaluation description.
    """
    undescribed = [task.name for task in tasks if not task.eval_descriptions]
    if undescribed:
        raise ArgumentError(f"tasks {undescribed} must have evaluation descriptions, got none")
    group = [
        Question(task, example, task.eval_descriptions[i % len(task.eval_descriptions)])
        for task in tasks
        for i, example in enumerate(task.validation[:examples])
    ]
    if not group:
        raise ArgumentError(f"evaluation needs validation examples, got none in {len(tasks)} tasks")
    random.Random(seed).shuffle(group)
    return group


def shuffled(group: Sequence[Question]) -> list[str]:
    """Return, for each question, the description of another task that is no near-twin.

    Args:
        group: what `questions` returned.

    Raises:
        ArgumentError: all tasks are near-twins of each other.
    """
    half = len(group) // 2
    descriptions = []
    for i, question in enumerate(group):
        order = (group[(i + half + k) % len(group)] for k in range(len(group)))
        other = next((q for q in order if q.task.twins != question.task.twins), None)
        if other is None:
            raise ArgumentError(
                "shuffled descriptions need at least two tasks that are no near-twins"
            )
        descriptions.append(other.description)
    return descriptions
