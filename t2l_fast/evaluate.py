"""Exact match of generated adapters beside their rivals, by greedy decoding."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import AdapterGenerator, Adapters, LoraBatch, LoraWeights, attach
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ArgumentError
from t2l_fast.tasks import JUNK, Example, Prompt, Task, answer

ROWS = 64
"""Rows decoded at once."""


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
    generator: AdapterGenerator | None = None
    descriptions: str = "matched"  # for a generator: "matched", "shuffled" or "junk"


def conditions(
    generator: AdapterGenerator,
    *,
    multi_task: LoraWeights | None = None,
    multi_task_described: LoraWeights | None = None,
    oracles: Mapping[str, LoraWeights] | None = None,
) -> list[Condition]:
    """The generated adapters and their rivals.

    Args:
        generator: whose adapters are measured, with matched, shuffled and junk descriptions.
        multi_task: one LoRA trained on all tasks, never shown a description.
        multi_task_described: one LoRA trained with the description in the prompt.
        oracles: a LoRA of its own for every task that is evaluated, by the task's name.
    """
    made = [Condition("base"), Condition("base + description", described=True)]
    if multi_task is not None:
        made.append(Condition("multi-task LoRA", adapter=multi_task))
    if multi_task_described is not None:
        name = "multi-task LoRA + description"
        made.append(Condition(name, described=True, adapter=multi_task_described))
    if oracles is not None:
        made.append(Condition("oracles", own=oracles))
    for kind in ("matched", "shuffled", "junk"):
        made.append(Condition(f"generated, {kind}", generator=generator, descriptions=kind))
    return made


def questions(tasks: Sequence[Task], examples: int, *, seed: int = 0) -> list[Question]:
    """Validation examples of every task, each under one of the task's evaluation descriptions.

    Raises:
        ArgumentError: there are none, or a task has no evaluation description.
    """
    untold = [task.name for task in tasks if not task.eval_descriptions]
    if untold:
        raise ArgumentError(f"tasks {untold} must have evaluation descriptions, got none")
    asked = [
        Question(task, example, task.eval_descriptions[i % len(task.eval_descriptions)])
        for task in tasks
        for i, example in enumerate(task.validation[:examples])
    ]
    if not asked:
        raise ArgumentError(f"evaluation needs validation examples, got none in {len(tasks)} tasks")
    random.Random(seed).shuffle(asked)
    return asked


def evaluate(
    model: nn.Module,
    prompt: Prompt,
    splits: Mapping[str, Sequence[Task]],
    rivals: Iterable[Condition],
    *,
    examples: int = 4,
    seed: int = 0,
    on_rows: Callable[[int], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Exact match of every condition on every split.

    Args:
        splits: name → tasks.
        rivals: what `conditions` gave.
        examples: validation examples per task.
        seed: of the order, and of whose description a shuffled one is.
        on_rows: called with the number of rows just answered.

    Returns:
        condition → split → `{"exact_match", "rows", "by_family": {family: exact match}}`.

    Raises:
        ArgumentError: a split has no examples, or a task that lacks an oracle.
        AdapterMismatch: adapters don't fit the model.
    """
    asked = {name: questions(tasks, examples, seed=seed) for name, tasks in splits.items()}
    report: dict[str, dict[str, Any]] = {}
    for condition in rivals:
        report[condition.name] = {}
        for split, group in asked.items():
            right = _answered_right(model, prompt, group, condition, on_rows)
            report[condition.name][split] = _summary(group, right)
    return report


def shuffled(asked: Sequence[Question]) -> list[str]:
    """For each question, the description of another task that is no near-twin."""
    half = len(asked) // 2
    told = []
    for i, question in enumerate(asked):
        order = (asked[(i + half + k) % len(asked)] for k in range(len(asked)))
        other = next((q for q in order if q.task.twins != question.task.twins), None)
        if other is None:
            raise ArgumentError(
                "shuffled descriptions need at least two tasks that are no near-twins"
            )
        told.append(other.description)
    return told


def _answered_right(
    model: Any,
    prompt: Prompt,
    asked: Sequence[Question],
    condition: Condition,
    on_rows: Callable[[int], None] | None,
) -> list[bool]:
    told = [q.description for q in asked]
    if condition.descriptions == "shuffled":
        told = shuffled(asked)
    elif condition.descriptions == "junk":
        told = [JUNK[i % len(JUNK)] for i in range(len(asked))]
    lengths = [_tokens(prompt, q.example) for q in asked]
    order = sorted(range(len(asked)), key=lambda i: lengths[i])
    right = [False] * len(asked)
    lora = _lora(condition, asked)
    adapters = None if lora is None else attach(model, lora, num_slots=0)
    try:
        for start in range(0, len(order), ROWS):
            rows = order[start : start + ROWS]
            texts = _answers(
                model,
                prompt,
                [asked[i] for i in rows],
                [told[i] for i in rows],
                condition,
                adapters,
                max_new_tokens=max(lengths[i] for i in rows),
            )
            for i, text in zip(rows, texts, strict=True):
                right[i] = asked[i].example.accepts(text)
            if on_rows is not None:
                on_rows(len(rows))
    finally:
        if adapters is not None:
            adapters.detach()
    return right


def _lora(condition: Condition, asked: Sequence[Question]) -> LoraConfig | None:
    """Of the adapters that a condition runs."""
    if condition.own is not None:
        missing = sorted({q.task.name for q in asked} - condition.own.keys())
        if missing:
            raise ArgumentError(
                f"every evaluated task must have an oracle, got none for {len(missing)}, "
                f"{missing[0]!r} among them: leave out its split, or train them all"
            )
        return condition.own[asked[0].task.name].config
    if condition.adapter is not None:
        return condition.adapter.config
    return None if condition.generator is None else condition.generator.config.lora


def _answers(
    model: Any,
    prompt: Prompt,
    asked: Sequence[Question],
    told: Sequence[str],
    condition: Condition,
    adapters: Adapters | None,
    *,
    max_new_tokens: int,
) -> list[str]:
    shown = told if condition.described else None
    sources = [q.example for q in asked]
    if adapters is None:
        return answer(model, prompt, sources, max_new_tokens=max_new_tokens, descriptions=shown)
    if condition.adapter is not None:
        batch = LoraBatch.stack([condition.adapter])
        slots = torch.zeros(len(sources), dtype=torch.int32)
    else:
        keys = told if condition.own is None else [q.task.name for q in asked]
        distinct = list(dict.fromkeys(keys))
        if condition.own is None:
            batch = condition.generator.generate(distinct)
        else:
            batch = LoraBatch.stack([condition.own[name] for name in distinct])
        slots = torch.tensor([distinct.index(key) for key in keys], dtype=torch.int32)
    place = model.device  # weights that were read from files are not there yet
    with torch.no_grad(), adapters.use(slots.to(place), weights=batch.to(place)):
        return answer(model, prompt, sources, max_new_tokens=max_new_tokens, descriptions=shown)


def _tokens(prompt: Prompt, example: Example) -> int:
    """Tokens of the longest accepted answer: a longer one can't match."""
    texts = (example.output, *example.answers)
    return max(len(prompt.answer_ids(text, example.prefill)) for text in texts)


def _summary(asked: Sequence[Question], right: Sequence[bool]) -> dict[str, Any]:
    families: dict[str, list[bool]] = {}
    for question, hit in zip(asked, right, strict=True):
        families.setdefault(question.task.family, []).append(hit)
    return {
        "exact_match": sum(right) / len(right),
        "rows": len(right),
        "by_family": {name: sum(hits) / len(hits) for name, hits in sorted(families.items())},
    }
