"""sequence: letters, days and months in, a neighbour out."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.grids.sequence import cells

TEMPLATES = (
    "Write {}.",
    "What is {}?",
    "Please answer with {}.",
    "Output only {}.",
    "{inputs} You must find {}.",
    "{inputs} Reply with {}.",
    "Figure out {}.",
    "Your task is to name {}.",
    "Find out {} and write it down.",
    "I am looking for {}.",
    "The right answer is {}.",
    "Could you please work out {}?",
    "Determine {} from the input.",
    "For each input, the output is {}.",
    "{inputs} The expected answer is {}.",
)
EVAL_TEMPLATES = (
    "{inputs} Give back {}.",
    "Can you say {}?",
    "Respond with nothing but {}.",
    "Let me know {}.",
    "Read the input carefully, then state {}.",
)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
FRAMES = (
    *("{}", "on {}", "We meet on {}.", "It was a {}.", "See you next {}!", "Today is {}."),
    *("{} morning", "late {} night", "I come home on {}.", "The shop is closed on {}."),
)
MONTH_FRAMES = (
    *("{}", "in {}", "early {}", "We met in {}.", "It is {} now.", "My birthday is in {}."),
    *("the end of {}", "School begins in {}."),
)

Rule = tuple[Callable[[str], str], str, str]


def _shifted(names: tuple[str, ...], step: int) -> Callable[[str], str]:
    def shifted(text: str) -> str:
        place = next(i for i, name in enumerate(names) if name in text)
        return names[(place + step) % len(names)]

    return shifted


def _letters(function: Callable[[int, int], int]) -> Callable[[str], str]:
    return lambda text: chr(function(ord(text[0]), ord(text[-1])))


def _joined(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


LETTERS: dict[str, Rule] = {
    "letter-next": (
        _letters(lambda a, b: b + 1),
        "the letter of the alphabet right after the second letter",
        "the alphabetical successor of the last letter shown",
    ),
    "letter-previous": (
        _letters(lambda a, b: a - 1),
        "the letter of the alphabet right before the first letter",
        "the alphabetical predecessor of the first letter shown",
    ),
    "letter-two-after": (
        _letters(lambda a, b: b + 2),
        "the letter two places after the second letter in the alphabet",
        "the letter that comes two steps later in the alphabet than the last letter shown",
    ),
    "letter-two-before": (
        _letters(lambda a, b: a - 2),
        "the letter two places before the first letter in the alphabet",
        "the letter that comes two steps earlier in the alphabet than the first letter shown",
    ),
    "letter-earlier": (
        _letters(min),
        "whichever of the two letters comes earlier in the alphabet",
        "the letter of the pair that is nearer to A",
    ),
    "letter-later": (
        _letters(max),
        "whichever of the two letters comes later in the alphabet",
        "the letter of the pair that is nearer to Z",
    ),
}
WEEKDAYS: dict[str, Rule] = {
    "day-next": (
        _shifted(DAYS, 1),
        "the weekday after the one mentioned",
        "the day of the week that follows, tomorrow's name",
    ),
    "day-previous": (
        _shifted(DAYS, -1),
        "the weekday before the one mentioned",
        "the day of the week that comes just earlier, yesterday's name",
    ),
    "day-two-after": (
        _shifted(DAYS, 2),
        "the weekday two days after the one mentioned",
        "the name of the day after the day that follows",
    ),
    "day-two-before": (
        _shifted(DAYS, -2),
        "the weekday two days before the one mentioned",
        "the name of the day that came two days earlier",
    ),
    "day-short": (
        lambda text: _shifted(DAYS, 0)(text)[:3],
        "the three-letter abbreviation of the weekday mentioned",
        "the short form of the day of the week, its first three letters",
    ),
}
YEAR: dict[str, Rule] = {
    "month-next": (
        _shifted(MONTHS, 1),
        "the month after the one mentioned",
        "the name of the following month",
    ),
    "month-previous": (
        _shifted(MONTHS, -1),
        "the month before the one mentioned",
        "the name of the preceding month",
    ),
    "month-two-after": (
        _shifted(MONTHS, 2),
        "the month two months after the one mentioned",
        "the name of the month that comes two months later",
    ),
    "month-two-before": (
        _shifted(MONTHS, -2),
        "the month two months before the one mentioned",
        "the name of the month that came two months earlier",
    ),
    "month-half-year": (
        _shifted(MONTHS, 6),
        "the month half a year after the one mentioned",
        "the name of the month that comes six months later",
    ),
    "month-number": (
        lambda text: str(MONTHS.index(_shifted(MONTHS, 0)(text)) + 1),
        "the number of the month mentioned, from 1 for January to 12 for December",
        "the month's position in the year as a number, 1 to 12",
    ),
}


def tasks() -> list[Draft]:
    """One task per rule, and the grid, over one pool each of letter pairs, weekdays and months."""
    rng = random.Random("sequence")
    letters = [f"{a} {b}" for a in "cdefghijklmnopqrstuvwx" for b in "cdefghijklmnopqrstuvwx"]
    kinds = (
        (LETTERS, "There are two letters.", rng.sample([p for p in letters if p[0] != p[-1]], 200)),
        (WEEKDAYS, "The input names a weekday.", [f.format(day) for f in FRAMES for day in DAYS]),
        (YEAR, "A month is named.", [f.format(month) for f in MONTH_FRAMES for month in MONTHS]),
    )
    rules = [
        Draft(
            name,
            worded([t.replace("{inputs}", inputs) for t in TEMPLATES], *phrases),
            worded([t.replace("{inputs}", inputs) for t in EVAL_TEMPLATES], *reversed(phrases)),
            mapped(pool, function),
        )
        for group, inputs, pool in kinds
        for name, (function, *phrases) in group.items()
    ]
    return [*rules, *cells(*(pool for _, _, pool in kinds), DAYS, MONTHS)]
