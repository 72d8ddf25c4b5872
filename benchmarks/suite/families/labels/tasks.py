"""One task per pair of labels of each distinction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Templates
from benchmarks.suite.draft import Draft
from benchmarks.suite.families.labels.sentences import drawn_sentences, fill_patterns

LabelPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DrawnDistinction:
    """What holds of a drawn sentence or not: names of either side, and pairs of labels."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    labels: tuple[LabelPair, ...]


@dataclass(frozen=True, slots=True)
class PatternDistinction:
    """What holds of a sentence or not, and the patterns of the sentences."""

    labels: tuple[LabelPair, ...]
    yes: tuple[str, ...]
    eval_yes: str
    no: tuple[str, ...]
    eval_no: str
    yes_patterns: tuple[str, ...]
    no_patterns: tuple[str, ...]
    words: dict[str, tuple[str, ...]]


_FOLDER = Path(__file__).parent
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
DRAWN = read_toml(_FOLDER / "drawn_distinctions.toml", dict[str, DrawnDistinction])
PATTERNED = read_toml(_FOLDER / "pattern_distinctions.toml", dict[str, PatternDistinction])
GENERAL_LABELS = read_toml(
    _FOLDER / "general_labels.toml", dict[str, tuple[LabelPair, ...]], keys=["labels"]
)["labels"]
"""Labels that fit any distinction."""
_LABEL_OFFSETS = (0, 1, 3, 7, 12, 21)
"""Between the labels of a distinction; few distances recur, so that each meets many others."""


def tasks() -> list[Draft]:
    """Return one draft per pair of labels of each distinction."""
    pool = drawn_sentences()
    drafts: list[Draft] = []
    for i, name in enumerate(DRAWN):
        # No pair twice, since these share sentences; yes and no fall to the first, which has them.
        drafts += _of_drawn(name, pool, GENERAL_LABELS[(i + 2) % 5 :: 5])
    for name in PATTERNED:
        drafts += _of_patterns(name)
    return drafts


def labels_of(name: str) -> tuple[LabelPair, ...]:
    """Return a pattern distinction's own labels, and up to eight pairs that others have too."""
    i = list(PATTERNED).index(name)
    chosen = (2 * i % 8, (2 * i + 1 + 2 * (i // 4)) % 8)
    spread = ((7 * i + offset) % len(GENERAL_LABELS) for offset in _LABEL_OFFSETS)
    general = (GENERAL_LABELS[k] for k in dict.fromkeys((*chosen, *spread)))
    return (*PATTERNED[name].labels, *general)


def labelled_sentences(name: str) -> dict[str, bool]:
    """Return the sentences of a pattern distinction, and whether it holds of each."""
    distinction = PATTERNED[name]
    held = fill_patterns(name, distinction.yes_patterns, distinction.words)
    others = fill_patterns(name, distinction.no_patterns, distinction.words)
    return dict.fromkeys(held, True) | dict.fromkeys(others, False)


def _of_drawn(
    name: str, pool: Mapping[str, Mapping[str, bool]], general: Iterable[LabelPair]
) -> list[Draft]:
    """Number the tasks of its own labels; name those of general labels after them."""
    own = DRAWN[name].labels
    pairs = {f"{name}-{i}": pair for i, pair in enumerate(own, 1)}
    pairs |= {f"{name}-{_slug(pair)}": pair for pair in general if pair not in own}
    sentences = {text: held[name] for text, held in pool.items() if name in held}
    sides = list(zip(DRAWN[name].yes, DRAWN[name].no, strict=True))
    return [_draft(task, pair, sides, sides, sentences) for task, pair in pairs.items()]


def _of_patterns(name: str) -> list[Draft]:
    distinction, sentences = PATTERNED[name], labelled_sentences(name)
    sides = list(zip(distinction.yes, distinction.no, strict=True))
    eval_sides = [(distinction.eval_yes, distinction.eval_no)]
    return [
        _draft(f"{name}-{_slug(pair)}", pair, sides, eval_sides, sentences)
        for pair in labels_of(name)
    ]


def _draft(
    name: str,
    labels: LabelPair,
    sides: list[tuple[str, str]],
    eval_sides: list[tuple[str, str]],
    sentences: Mapping[str, bool],
) -> Draft:
    return Draft(
        name,
        _fill(TEMPLATES.templates, labels, sides),
        _fill(TEMPLATES.eval_templates, labels, eval_sides),
        {text: labels[not held] for text, held in sentences.items()},
    )


def _fill(
    templates: Iterable[str], labels: LabelPair, sides: list[tuple[str, str]]
) -> tuple[str, ...]:
    return tuple(t.format(*labels, *sides[i % len(sides)]) for i, t in enumerate(templates))


def _slug(labels: LabelPair) -> str:
    return "-".join(labels).lower().replace("'", "")
