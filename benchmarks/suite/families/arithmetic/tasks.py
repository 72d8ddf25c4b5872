"""The tasks that stand alone: steps up and down, multiples, digits and labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe_each
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.families.arithmetic.grid import INPUT_NOUNS, grid_drafts

NUMBERS = tuple(str(number) for number in range(1, 200))
STEPS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "five": 5,
    "ten": 10,
    "fifty": 50,
    "hundred": 100,
    "thousand": 1000,
}
FUNCTIONS: dict[str, Callable[[int], object]] = {
    **{f"plus-{name}": (lambda n, by=by: n + by) for name, by in STEPS.items()},
    **{
        f"minus-{name}": (lambda n, by=STEPS[name]: n - by)
        for name in ("one", "two", "three", "ten")
    },
    "doubled": lambda n: 2 * n,
    "tripled": lambda n: 3 * n,
    "halved": lambda n: n // 2,
    "times-ten": lambda n: 10 * n,
    "times-hundred": lambda n: 100 * n,
    "tenth": lambda n: n / 10,
    "digit-sum": lambda n: sum(map(int, str(n))),
    "digits-reversed": lambda n: str(n)[::-1],
    "last-digit": lambda n: n % 10,
    "first-digit": lambda n: str(n)[0],
    "even-odd": lambda n: "odd" if n % 2 else "even",
    "big-small": lambda n: "big" if n > 50 else "small",
    "multiple-of-five": lambda n: "no" if n % 5 else "yes",
    "nearest-ten": lambda n: (n + 5) // 10 * 10,
    "negative": lambda n: -n,
    "up-to-two-hundred": lambda n: 200 - n,
    "distance-to-hundred": lambda n: abs(100 - n),
}
PHRASES = read_toml(Path(__file__).with_name("phrases.toml"), dict[str, Phrases], keys=FUNCTIONS)


def tasks() -> list[Draft]:
    """Return the drafts of the family, the grid's last."""
    pairs = {
        name: map_inputs(NUMBERS, lambda text, function=function: str(function(int(text))))
        for name, function in FUNCTIONS.items()
    }
    return [*describe_each(PHRASES, INPUT_NOUNS, pairs), *grid_drafts(NUMBERS)]
