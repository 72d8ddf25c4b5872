"""sequence: how far and in which style, of letters, weekdays and other names; terms of a series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, crossed
from benchmarks.suite.lexicon.series import (
    CAPITAL_STEPS,
    DAY_CELLS,
    LETTER_CELLS,
    MONTH_CELLS,
    PLANET_CELLS,
    SAID,
    SEASON_CELLS,
    SIGN_CELLS,
    TERMS,
)
from benchmarks.suite.lexicon.steps import (
    PLANET_FRAMES,
    PLANETS,
    SEASON_FRAMES,
    SEASONS,
    SIGN_FRAMES,
    SIGNS,
    STEPS,
    STYLES,
)

Rule = Callable[[str], str | None]

ELSEWHERE = ("day-same-short",)
"""A cell that the family has under another name."""


def series() -> tuple[str, ...]:
    """Three numbers with a constant step, the one before them positive."""
    starts = ((by, range(by + 1, by + 37)) for by in (1, 2, 3, 4, 5, 10))
    return tuple(f"{n}, {n + by}, {n + 2 * by}" for by, range_ in starts for n in range_)


def _moved(names: Sequence[str], step: int, style: str) -> Rule:
    """Around the end of the names, but for the planets, where it is None."""

    def moved(text: str) -> str | None:
        place = next(i for i, name in enumerate(names) if name in text) + step
        if names is PLANETS and place not in range(len(names)):
            return None
        return STYLES[style][0](names[place % len(names)])

    return moved


def _letter(place: int, step: int, style: Callable[[str], str] = str) -> Rule:
    """None outside the alphabet."""

    def moved(text: str) -> str | None:
        letter = chr(ord(text[place]) + step)
        return style(letter) if letter.isalpha() else None

    return moved


def _term(term: Callable[[int, int], object]) -> Rule:
    def told(text: str) -> str:
        first, second, last = map(int, text.split(", "))
        return str(term(last, second - first))

    return told


Cell = tuple[str, Rule, Said, Mapping[str, str | Sequence[str]]]
"""Name, what becomes of an input, phrases with fields, what their values are called."""


def _names(unit: str, names: Sequence[str], table: Mapping[str, tuple[int, ...]]) -> Iterator[Cell]:
    short = unit.removeprefix("week")
    for style, steps in table.items():
        for step in steps:
            name, *called = STEPS[step]
            told = [phrase.format(unit=unit, short=short) for phrase in called]
            suffix = "" if style == "full" else f"-{style}"
            fields = {"unit": unit, "step": told, "style": STYLES[style][1]}
            yield f"{short}-{name}{suffix}", _moved(names, step, style), SAID["named"], fields


def _letters() -> Iterator[Cell]:
    for i, (place, steps) in enumerate(LETTER_CELLS.items()):
        for step in steps:
            name, fields = _letter_called(step, place)
            yield name, _letter(-i, step), SAID["letter"], fields
        for step in CAPITAL_STEPS:
            name, fields = _letter_called(step, place)
            yield f"{name}-capital", _letter(-i, step, str.upper), SAID["capital"], fields


def _letter_called(step: int, place: str) -> tuple[str, Mapping[str, str | Sequence[str]]]:
    name, *called = STEPS[step]
    told = [phrase.format(unit="letter", short="place") for phrase in called]
    return f"letter-{name}-{place}", {"step": told, "place": place}


def _terms() -> Iterator[Cell]:
    for name, (term, called) in TERMS.items():
        yield f"series-{name}", _term(term), SAID["term"], {"term": called}


def cells(
    letters: Sequence[str],
    days: Sequence[str],
    months: Sequence[str],
    day_names: Sequence[str],
    month_names: Sequence[str],
) -> list[Draft]:
    """One draft per cell, over the family's letters, weekdays and months, and over others."""
    kinds = (
        (_letters(), ("a pair of letters", "a couple of letters"), letters, "k p"),
        (
            _names("weekday", day_names, DAY_CELLS),
            ("a weekday", "a text with a weekday"),
            days,
            day_names[0],
        ),
        (
            _names("month", month_names, MONTH_CELLS),
            ("a month", "a text with a month"),
            months,
            month_names[2],
        ),
        (
            _names("season", SEASONS, SEASON_CELLS),
            ("a season", "a text with a season"),
            [frame.format(name) for frame in SEASON_FRAMES for name in SEASONS],
            SEASONS[0],
        ),
        (
            _names("planet", PLANETS, PLANET_CELLS),
            ("a planet", "a text with a planet, counted from the Sun outward"),
            [frame.format(name) for frame in PLANET_FRAMES for name in PLANETS],
            PLANETS[3],
        ),
        (
            _names("sign", SIGNS, SIGN_CELLS),
            ("a sign of the zodiac", "a text with a star sign"),
            [frame.format(name) for frame in SIGN_FRAMES for name in SIGNS],
            SIGNS[4],
        ),
        (
            _terms(),
            ("three numbers in a row", "a series of three numbers"),
            series(),
            "20, 25, 30",
        ),
    )
    return [
        ask(
            name,
            crossed(said, f"{shown} → {rule(shown)}", **called),
            nouns,
            mapped(pool, rule),
        )
        for rules, nouns, pool, shown in kinds
        for name, rule, said, called in rules
        if name not in ELSEWHERE
    ]
