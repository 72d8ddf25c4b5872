"""Describe tasks: phrases from a family's TOML, put into templates that differ by task."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Protocol

from benchmarks.suite.data import read_toml
from benchmarks.suite.draft import Draft, fill_templates

TEMPLATES_PER_KIND = 8
"""Training templates drawn for the answer phrases, and for the instruction phrases."""
EVAL_TEMPLATES_PER_KIND = 3


@dataclass(frozen=True, slots=True)
class Phrases:
    """Ways to ask for a task: what the answer is, and what to do."""

    answer: tuple[str, ...]
    eval_answer: str
    instruction: tuple[str, ...]
    eval_instruction: str

    def format(self, *args: str, **fields: str) -> Phrases:
        """Return the phrases with their fields filled."""
        return Phrases(
            tuple(phrase.format(*args, **fields) for phrase in self.answer),
            self.eval_answer.format(*args, **fields),
            tuple(phrase.format(*args, **fields) for phrase in self.instruction),
            self.eval_instruction.format(*args, **fields),
        )


@dataclass(frozen=True, slots=True)
class FormPhrases(Phrases):
    """How an output is written, as a text with fields, and ways to ask for that."""

    form: str


class HasNames(Protocol):
    """Whatever descriptions may name: names to train with, and one to evaluate with."""

    @property
    def names(self) -> Sequence[str]:
        """Names to train with."""
        ...

    @property
    def eval_name(self) -> str:
        """The name to evaluate with."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """What a description may call a value."""

    names: tuple[str, ...]
    eval_name: str


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A value that a grid combines, and what descriptions may call it."""

    value: str
    names: tuple[str, ...]
    eval_name: str


@dataclass(frozen=True, slots=True)
class Templates:
    """A family's own templates, each with one field {} for a phrase."""

    templates: tuple[str, ...]
    eval_templates: tuple[str, ...]

    def draft(
        self,
        name: str,
        phrases: Sequence[str],
        eval_phrases: Sequence[str],
        pairs: Mapping[str, str],
        group: str | None = None,
    ) -> Draft:
        """Return a draft whose descriptions are the templates filled with the phrases in turn."""
        descriptions = fill_templates(self.templates, *phrases)
        return Draft(
            name, descriptions, fill_templates(self.eval_templates, *eval_phrases), pairs, group
        )


TEMPLATES = read_toml(
    Path(__file__).with_name("shared") / "description_templates.toml",
    dict[str, tuple[str, ...]],
    keys=("answer", "instruction", "eval_answer", "eval_instruction"),
)
"""Templates with the fields {what}, {do}, {Do} and, for the input's noun, {a}."""


def describe(
    name: str,
    phrases: Phrases,
    input_nouns: Sequence[str],
    pairs: Mapping[str, str],
    group: str | None = None,
) -> Draft:
    """Return a draft described by eight templates of each kind, and three for evaluation.

    Args:
        name: the task's name inside its family; it seeds the choice of templates.
        phrases: what fills the templates in turn.
        input_nouns: what an input may be called, such as "a country".
        pairs: all inputs and outputs.
        group: see `Draft`.
    """
    train, count = random.Random(name), TEMPLATES_PER_KIND
    descriptions = (
        *_fill(train, "answer", count, phrases.answer, input_nouns),
        *_fill(train, "instruction", count, phrases.instruction, input_nouns),
    )
    evaluation, count = random.Random(name), EVAL_TEMPLATES_PER_KIND
    eval_descriptions = (
        *_fill(evaluation, "eval_answer", count, (phrases.eval_answer,), input_nouns),
        *_fill(evaluation, "eval_instruction", count, (phrases.eval_instruction,), input_nouns),
    )
    return Draft(name, descriptions, eval_descriptions, pairs, group)


def describe_each(
    phrases: Mapping[str, Phrases],
    input_nouns: Sequence[str],
    pairs: Mapping[str, Mapping[str, str]],
    groups: Mapping[str, str] | None = None,
) -> list[Draft]:
    """Return one draft per task that has phrases, with its pairs and, if any, its group."""
    groups = groups or {}
    return [
        describe(name, own, input_nouns, pairs[name], groups.get(name))
        for name, own in phrases.items()
    ]


def fill_fields(phrases: Phrases, example: str = "", **values: str | HasNames) -> Phrases:
    """Fill the fields of phrases with the names of the values that a task combines.

    Args:
        phrases: phrases with fields such as "{mark}".
        example: an example to show in some of them.
        values: field to its text, or to what has names.

    Returns:
        `TEMPLATES_PER_KIND` phrases each for training, in which phrases and names meet in turn.
    """
    train = {f: (v,) if isinstance(v, str) else v.names for f, v in values.items()}
    evaluation = {f: v if isinstance(v, str) else v.eval_name for f, v in values.items()}
    shown = f", such as {example}" if example else ""
    return Phrases(
        _crossed(phrases.answer, example, train),
        phrases.eval_answer.format(**evaluation) + shown,
        _crossed(phrases.instruction, example, train),
        phrases.eval_instruction.format(**evaluation) + shown,
    )


def _crossed(
    phrases: Sequence[str], example: str, values: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    crossed = []
    for i in range(TEMPLATES_PER_KIND):
        # Without the second term a phrase would meet its first name again and again.
        names = {
            field: own[(i + i // lcm(len(phrases), len(own))) % len(own)]
            for field, own in values.items()
        }
        shown = f" (like {example})" if example and (i + i // max(len(phrases), 2)) % 2 else ""
        crossed.append(phrases[i % len(phrases)].format(**names) + shown)
    return tuple(crossed)


def _fill(
    draw: random.Random, kind: str, count: int, phrases: Sequence[str], nouns: Sequence[str]
) -> list[str]:
    """Fill `count` drawn templates of a kind with the phrases and the nouns in turn."""
    filled = []
    for i, template in enumerate(draw.sample(TEMPLATES[kind], count)):
        phrase = phrases[i % len(phrases)]
        capital = phrase[0].upper() + phrase[1:]
        text = template.format(what=phrase, do=phrase, Do=capital, a=nouns[i % len(nouns)])
        filled.append(text.replace("..", "."))
    return filled
