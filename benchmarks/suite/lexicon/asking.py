"""Descriptions out of a sheet of phrases, put into templates that differ from task to task."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import lcm

from benchmarks.suite.draft import Draft

WHAT = (
    "Give {what}.",
    "What is {what}?",
    "Please write {what}.",
    "You will be given {a}. Answer with {what}.",
    "The input is {a}; the output is {what}.",
    "I would like to have {what}.",
    "Return {what}, nothing else.",
    "Could you tell me {what}?",
    "Your answer should be {what}.",
    "Read {a} and reply with {what}.",
    "Output {what}.",
    "When I type {a}, respond with {what}.",
    "Wanted: {what}.",
    "Each input is {a}, and you have to write {what}.",
    "Tell me {what}, please.",
    "In this task you see {a} and must produce {what}.",
    "What I am after is {what}.",
    "All I ask for is {what}.",
    "For {a}, produce {what}.",
    "Take {a} and return {what}.",
    "Reply to {a} with {what}.",
    "As output I expect {what}.",
    "Let the result be {what}.",
    "{a} -> {what}",
    "Send back {what}.",
    "As soon as you see {a}, type {what}.",
)
DO = (
    "{Do}.",
    "Please {do}.",
    "You will be given {a}. {Do}.",
    "Your task is to {do}.",
    "Can you {do}?",
    "I want you to {do}.",
    "{Do}, and answer with the result only.",
    "The input is {a}. {Do}.",
    "{Do}, without any explanation.",
    "Your job here is simple: {do}.",
    "Given {a}, {do}.",
    "Be so kind as to {do}.",
    "I will send you {a}; {do}.",
    "In this task you must {do}.",
    "Help me to {do}.",
    "task: {do}",
    "The instruction is to {do}.",
    "For every message, {do}.",
    "Take {a} and {do}.",
    "You should {do}.",
    "Do this: {do}.",
    "{Do}; write only the result.",
    "As soon as you see {a}, {do}.",
    "It is up to you to {do}.",
    "Whatever I write, {do}.",
    "Assist me: {do}.",
)
EVAL_WHAT = (
    "Here comes {a}; say {what}.",
    "I need {what}, kept short.",
    "With {a} in front of you, the right response is {what}.",
    "Show {what} for whatever comes in.",
    "The correct completion is {what}.",
)
EVAL_DO = (
    "Would you mind? I need somebody to {do}.",
    "Look at the text, {a}, then {do}.",
    "What you have to do: {do}.",
    "Upon receiving {a}, {do}.",
    "All that matters now is to {do}.",
)


Said = tuple[Sequence[str], Sequence[str]]
"""Phrases of what the answer is, and of what to do; the last of each is for evaluation."""
PHRASES = 8
"""Training phrases made of frames and names: one for each template."""


def drafts(
    sheet: str, nouns: Sequence[str], pairs: Mapping[str, Mapping[str, str]], **groups: str
) -> list[Draft]:
    """One draft per block of the sheet.

    Args:
        sheet: see `blocks`.
        nouns: what an input may be called, such as "a country".
        pairs: the pairs of each task.
        groups: the group of each task that has near-twins, with "_" for "-" in the name.
    """
    return [
        ask(name, said, nouns, pairs[name], groups.get(name.replace("-", "_")))
        for name, said in blocks(sheet).items()
    ]


def blocks(sheet: str) -> dict[str, Said]:
    """Name to phrases, of blocks of a name, of lines "= what | what | what" and "> do | do"."""
    told = (block.split("\n") for block in sheet.strip().split("\n\n"))
    return {name: (_phrases(lines, "= "), _phrases(lines, "> ")) for name, *lines in told}


def ask(
    name: str,
    said: Said,
    nouns: Sequence[str],
    pairs: Mapping[str, str],
    group: str | None = None,
) -> Draft:
    """A draft described by eight templates of each kind, and three others for evaluation."""
    what, do = said
    return Draft(
        name,
        _filled(name, nouns, (WHAT, what[:-1], PHRASES), (DO, do[:-1], PHRASES)),
        _filled(name, nouns, (EVAL_WHAT, what[-1:], 3), (EVAL_DO, do[-1:], 3)),
        pairs,
        group,
    )


def crossed(said: Said, like: str = "", **names: str | Sequence[str]) -> Said:
    """Fill the fields of phrases with names of the values that a task combines.

    Args:
        said: phrases with fields such as "{mark}".
        like: an example to show, unless the phrases do.
        names: field to its value, or to what that may be called, the last for evaluation.

    Returns:
        `PHRASES` for training, in which phrases and names meet in turn, and one for evaluation.
    """
    return _crossed(said[0], like, names), _crossed(said[1], like, names)


def _crossed(
    phrases: Sequence[str], like: str, names: Mapping[str, str | Sequence[str]]
) -> list[str]:
    *train, last = phrases
    lists = {f: (n, n) if isinstance(n, str) else n for f, n in names.items()}
    made = []
    for i in range(PHRASES):
        value = {}
        for field, (*called, _) in lists.items():
            # Without the second term a phrase would meet its first name again and again.
            value[field] = called[(i + i // lcm(len(train), len(called))) % len(called)]
        shown = f" (like {like})" if like and (i + i // max(len(train), 2)) % 2 else ""
        made.append(train[i % len(train)].format(**value) + shown)
    value = {field: called[-1] for field, called in lists.items()}
    shown = f", such as {like}" if like else ""
    return [*made, last.format(**value) + shown]


def _phrases(lines: Sequence[str], mark: str) -> list[str]:
    """The phrases of the lines with this mark; a lone one serves both sides."""
    joined = " | ".join(line.removeprefix(mark) for line in lines if line.startswith(mark))
    phrases = [phrase.strip() for phrase in joined.split(" | ")]
    return phrases * 2 if len(phrases) == 1 else phrases


def _filled(
    name: str, nouns: Sequence[str], *kinds: tuple[Sequence[str], Sequence[str], int]
) -> tuple[str, ...]:
    """`count` templates of each kind, drawn with the name as seed, filled in turn."""
    draw = random.Random(name)
    made = []
    for templates, phrases, count in kinds:
        for i, template in enumerate(draw.sample(templates, count)):
            phrase = phrases[i % len(phrases)]
            capital = phrase[0].upper() + phrase[1:]
            text = template.format(what=phrase, do=phrase, Do=capital, a=nouns[i % len(nouns)])
            made.append(text.replace("..", "."))
    return tuple(made)
