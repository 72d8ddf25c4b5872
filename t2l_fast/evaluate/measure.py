"""Exact match of generated adapters beside their rivals, by greedy decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from t2l_fast.adapters import Adapters, LoraBatch, attach
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ArgumentError
from t2l_fast.evaluate.conditions import Condition, Question, questions, shuffled
from t2l_fast.tasks import JUNK, Example, Prompt, Task, answer

ROWS = 64
"""Rows decoded at once."""


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
    """Measure the exact match of every condition on every split, by greedy decoding.

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
    by_split = {name: questions(tasks, examples, seed=seed) for name, tasks in splits.items()}
    report: dict[str, dict[str, Any]] = {}
    for condition in rivals:
        report[condition.name] = {}
        for split, group in by_split.items():
            right = _answered_right(model, prompt, group, condition, on_rows)
            report[condition.name][split] = _summary(group, right)
    return report


def _answered_right(
    model: Any,
    prompt: Prompt,
    group: Sequence[Question],
    condition: Condition,
    on_rows: Callable[[int], None] | None,
) -> list[bool]:
    descriptions = [q.description for q in group]
    if condition.descriptions == "shuffled":
        descriptions = shuffled(group)
    elif condition.descriptions == "junk":
        descriptions = [JUNK[i % len(JUNK)] for i in range(len(group))]
    lengths = [_tokens(prompt, q.example) for q in group]
    order = sorted(range(len(group)), key=lambda i: lengths[i])
    right = [False] * len(group)
    lora = _lora(condition, group)
    adapters = None if lora is None else attach(model, lora, num_slots=0)
    try:
        for start in range(0, len(order), ROWS):
            rows = order[start : start + ROWS]
            texts = _answers(
                model,
                prompt,
                [group[i] for i in rows],
                [descriptions[i] for i in rows],
                condition,
                adapters,
                max_new_tokens=max(lengths[i] for i in rows),
            )
            for i, text in zip(rows, texts, strict=True):
                right[i] = group[i].example.accepts(text)
            if on_rows is not None:
                on_rows(len(rows))
    finally:
        if adapters is not None:
            adapters.detach()
    return right


def _lora(condition: Condition, group: Sequence[Question]) -> LoraConfig | None:
    """Return the config of the adapters that a condition runs; None for the base model.

    Raises:
        ArgumentError: a task has no adapter of its own where it needs one.
    """
    if condition.own is not None:
        missing = sorted({q.task.name for q in group} - condition.own.keys())
        if missing:
            raise ArgumentError(
                f"every evaluated task must have an oracle, got none for {len(missing)}, "
                f"{missing[0]!r} among them: leave out its split, or train them all"
            )
        return condition.own[group[0].task.name].config
    if condition.adapter is not None:
        return condition.adapter.config
    return None if condition.generator is None else condition.generator.config.lora


def _answers(
    model: Any,
    prompt: Prompt,
    group: Sequence[Question],
    descriptions: Sequence[str],
    condition: Condition,
    adapters: Adapters | None,
    *,
    max_new_tokens: int,
) -> list[str]:
    shown = descriptions if condition.described else None
    sources = [q.example for q in group]
    if adapters is None:
        return answer(model, prompt, sources, max_new_tokens=max_new_tokens, descriptions=shown)
    if condition.adapter is not None:
        batch = LoraBatch.stack([condition.adapter])
        slots = torch.zeros(len(sources), dtype=torch.int32)
    else:
        keys = descriptions if condition.own is None else [q.task.name for q in group]
        distinct = list(dict.fromkeys(keys))
        if condition.own is not None:
            batch = LoraBatch.stack([condition.own[name] for name in distinct])
        else:
            assert condition.generator is not None  # without any there are no adapters
            batch = condition.generator.generate(distinct)
        slots = torch.tensor([distinct.index(key) for key in keys], dtype=torch.int32)
    place = model.device  # weights that were read from files are not there yet
    with torch.no_grad(), adapters.use(slots.to(place), weights=batch.to(place)):
        return answer(model, prompt, sources, max_new_tokens=max_new_tokens, descriptions=shown)


def _tokens(prompt: Prompt, example: Example) -> int:
    """Tokens of the longest accepted answer: a longer one can't match."""
    texts = (example.output, *example.answers)
    return max(len(prompt.answer_ids(text, example.prefill)) for text in texts)


def _summary(group: Sequence[Question], right: Sequence[bool]) -> dict[str, Any]:
    families: dict[str, list[bool]] = {}
    for question, hit in zip(group, right, strict=True):
        families.setdefault(question.task.family, []).append(hit)
    return {
        "exact_match": sum(right) / len(right),
        "rows": len(right),
        "by_family": {name: sum(hits) / len(hits) for name, hits in sorted(families.items())},
    }
