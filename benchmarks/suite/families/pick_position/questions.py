"""What is asked of four words: patterns for the answer, and phrases for the descriptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, permutations
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Names
from benchmarks.suite.shared.answer_formats import AnswerFormat, Case, change_case

_PLACES_WITH_COMMA = (
    ("second", "first"),
    ("third", "first"),
    ("third", "second"),
    ("last", "second"),
    ("last", "third"),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A pattern for four words, and phrases for the answer; see questions.toml."""

    pattern: str
    phrases: tuple[str, ...]
    eval_phrases: tuple[str, ...] = ()
    case: Case = ""

    def answer(self, words: Sequence[str]) -> str:
        """Return what the pattern makes of the words."""
        text = self.pattern.format(
            *words,
            longest=max(words, key=len),
            shortest=min(words, key=len),
            earliest=min(words),
            latest=max(words),
            alphabetical=", ".join(sorted(words)),
        )
        return change_case(text, self.case)


@dataclass(frozen=True)
class PlaceFormat(AnswerFormat):
    """A way to write one word, and the places that are asked for so."""

    places: tuple[str, ...] = ()


_FOLDER = Path(__file__).parent
_QUESTIONS = read_toml(
    _FOLDER / "questions.toml",
    dict[str, dict[str, Question]],
    keys=("places", "orders", "extremes"),
)
PLACES, ORDERS, EXTREMES = (_QUESTIONS[key] for key in ("places", "orders", "extremes"))
_FURTHER = read_toml(
    _FOLDER / "further_questions.toml",
    dict[str, dict[str, Question]],
    keys=("orders", "extremes"),
)
PLACE_NAMES = read_toml(_FOLDER / "places.toml", dict[str, Names], keys=PLACES)
_PLACE_FORMATS = read_toml(_FOLDER / "place_formats.toml", dict[str, PlaceFormat])
_PAIR_FORMATS = read_toml(_FOLDER / "pair_formats.toml", dict[str, AnswerFormat])


def _formatted_places() -> Iterator[tuple[str, Question]]:
    """Yield one place in another format."""
    for name, own in _PLACE_FORMATS.items():
        for place in own.places:
            place_names = PLACE_NAMES[place]
            phrases = [
                how.format(what) for how, what in zip(own.names, place_names.names, strict=True)
            ]
            pattern = own.pattern.replace("{0", f"{{{_index(place)}")
            eval_phrases = (own.eval_name.format(place_names.eval_name),)
            yield f"{place}-{name}", Question(pattern, tuple(phrases), eval_phrases, own.case)


def _place_pairs() -> Iterator[tuple[str, Question]]:
    """Yield two places in every order, joined in every way in turn; some with a comma too."""
    formats = cycle(name for name in _PAIR_FORMATS if name != "comma")
    pairs = [(pair, next(formats)) for pair in permutations(PLACE_NAMES, 2)]
    pairs += [(pair, "comma") for pair in _PLACES_WITH_COMMA]
    for (first, second), name in pairs:
        own, a, b = _PAIR_FORMATS[name], PLACE_NAMES[first], PLACE_NAMES[second]
        together = zip(a.names, b.names, own.names, strict=True)
        yield (
            f"{first}-{second}-{name}",
            Question(
                own.pattern.format(f"{{{_index(first)}}}", f"{{{_index(second)}}}"),
                tuple(f"{x} and {y}, {how}" for x, y, how in together),
                (f"{a.eval_name} and {b.eval_name}, {own.eval_name}",),
            ),
        )


def _index(place: str) -> int:
    return list(PLACE_NAMES).index(place)


FURTHER_ORDERS = dict(_formatted_places()) | dict(_place_pairs()) | _FURTHER["orders"]
"""Asked about any list."""
FURTHER_EXTREMES = _FURTHER["extremes"]
"""Asked about lists with one longest and one shortest word."""
