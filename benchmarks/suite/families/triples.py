"""triples: a list of three numbers in, one of them or a little arithmetic out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from benchmarks.suite.draft import Draft, mapped, worded

TEMPLATES = (
    "Write {}.",
    "What is {}?",
    "Please answer with {}.",
    "Output only {}.",
    "Three numbers are listed. You must find {}.",
    "You will be given three numbers. Reply with {}.",
    "Tell me {}.",
    "Your task is to compute {}.",
    "Find out {} and write it down.",
    "Given a list of three numbers, return {}.",
    "The right answer is {}.",
    "Could you please work out {}?",
    "Determine {} from the input.",
    "For each list, the output is {}.",
)
EVAL_TEMPLATES = (
    "The input holds three numbers. Give back {}.",
    "Can you say {}?",
    "Respond with nothing but {}.",
    "Look at the list, then state {}.",
)


def _numbers(function: Callable[[int, int, int], object]) -> Callable[[str], str]:
    return lambda text: str(function(*map(int, text.split(", "))))


def _joined(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


# name: function, two phrases
RULES: dict[str, tuple[Callable[[str], str], str, str]] = {
    "number-first": (
        _numbers(lambda a, b, c: a),
        "the first number of the list",
        "the number that stands at the start of the list",
    ),
    "number-largest": (
        _numbers(lambda *n: max(n)),
        "the largest of the three numbers",
        "the maximum of the list",
    ),
    "number-smallest": (
        _numbers(lambda *n: min(n)),
        "the smallest of the three numbers",
        "the minimum of the list",
    ),
    "last-plus-one": (
        _numbers(lambda a, b, c: c + 1),
        "the last number plus one",
        "the whole number right after the last number of the list",
    ),
    "last-minus-one": (
        _numbers(lambda a, b, c: c - 1),
        "the last number minus one",
        "the whole number right before the last number of the list",
    ),
    "last-plus-ten": (
        _numbers(lambda a, b, c: c + 10),
        "the last number plus ten",
        "the final number of the list increased by 10",
    ),
    "last-doubled": (
        _numbers(lambda a, b, c: 2 * c),
        "the double of the last number",
        "the final number of the list times two",
    ),
    "middle-plus-two": (
        _numbers(lambda a, b, c: b + 2),
        "the number in the middle position plus two",
        "the second number of the list increased by 2",
    ),
    "first-plus-last": (
        _numbers(lambda a, b, c: a + c),
        "the sum of the first and the last number",
        "the two outer numbers of the list added together",
    ),
    "number-total": (
        _numbers(lambda *n: sum(n)),
        "the sum of all three numbers",
        "the total of the list when every number is added up",
    ),
    "number-ascending": (
        _numbers(lambda *n: _joined(sorted(n))),
        "the three numbers sorted from smallest to largest",
        "the list in ascending order",
    ),
    "number-backwards": (
        _numbers(lambda a, b, c: _joined([c, b, a])),
        "the list read backwards, last number first",
        "the three numbers in reversed positions, from right to left",
    ),
}


def _triples(rng: random.Random) -> Iterator[str]:
    # the first number is an extreme in a third of the lists, so that it tells little of the others
    for index in range(200):
        low, mid, high = sorted(rng.sample(range(3, 40), 3))
        first = (high, low, mid, mid, mid, mid)[index % 6]
        rest = [number for number in (low, mid, high) if number != first]
        rng.shuffle(rest)
        yield _joined([first, *rest])


def tasks() -> list[Draft]:
    """One task per rule, over one pool of lists."""
    pool = tuple(dict.fromkeys(_triples(random.Random("triples"))))
    return [
        Draft(
            name,
            worded(TEMPLATES, *phrases),
            worded(EVAL_TEMPLATES, *reversed(phrases)),
            mapped(pool, function),
        )
        for name, (function, *phrases) in RULES.items()
    ]
