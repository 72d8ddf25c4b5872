"""Descriptions out of a sheet of phrases, put into templates that differ from task to task."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from t2l_fast.tasks.draft import Draft

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


def drafts(
    sheet: str, nouns: Sequence[str], pairs: Mapping[str, Mapping[str, str]], **groups: str
) -> list[Draft]:
    """One draft per block of the sheet.

    Args:
        sheet: blocks of a task's name, a line "= what | what | what" that says what the answer is
            and a line "> do | do" that says what to do; the last of each line is for evaluation.
        nouns: what an input may be called, such as "a country".
        pairs: the pairs of each task.
        groups: the group of each task that has near-twins, with "_" for "-" in the name.
    """
    made = []
    for block in sheet.strip().split("\n\n"):
        name, *lines = block.split("\n")
        what = _phrases(lines, "= ")
        do = _phrases(lines, "> ")
        made.append(
            Draft(
                name,
                _filled(name, nouns, (WHAT, what[:-1], 8), (DO, do[:-1], 8)),
                _filled(name, nouns, (EVAL_WHAT, what[-1:], 3), (EVAL_DO, do[-1:], 3)),
                pairs[name],
                groups.get(name.replace("-", "_")),
            )
        )
    return made


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
