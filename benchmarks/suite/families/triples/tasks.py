"""One task per rule for three numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft, map_inputs


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


RULES: dict[str, Callable[[int, int, int], object]] = {
    "number-first": lambda a, b, c: a,
    "number-largest": max,
    "number-smallest": min,
    "last-plus-one": lambda a, b, c: c + 1,
    "last-minus-one": lambda a, b, c: c - 1,
    "last-plus-ten": lambda a, b, c: c + 10,
    "last-doubled": lambda a, b, c: 2 * c,
    "middle-plus-two": lambda a, b, c: b + 2,
    "first-plus-last": lambda a, b, c: a + c,
    "number-total": lambda a, b, c: a + b + c,
    "number-ascending": lambda *numbers: _joined(sorted(numbers)),
    "number-backwards": lambda *numbers: _joined(reversed(numbers)),
}
_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
PHRASES = read_toml(_FOLDER / "phrases.toml", dict[str, tuple[str, str]], keys=RULES)


def tasks() -> list[Draft]:
    """Return one draft per rule, over one pool of lists."""
    pool = tuple(dict.fromkeys(_lists(random.Random("triples"))))
    return [
        TEMPLATES.draft(
            name,
            PHRASES[name],
            PHRASES[name][::-1],
            map_inputs(pool, lambda text, rule=rule: str(rule(*map(int, text.split(", "))))),
        )
        for name, rule in RULES.items()
    ]


def _lists(rng: random.Random) -> Iterator[str]:
    # The first number is an extreme in a third of the lists, so it says little about the others.
    for index in range(200):
        low, mid, high = sorted(rng.sample(range(3, 40), 3))
        first = (high, low, mid, mid, mid, mid)[index % 6]
        rest = [number for number in (low, mid, high) if number != first]
        rng.shuffle(rest)
        yield _joined([first, *rest])
