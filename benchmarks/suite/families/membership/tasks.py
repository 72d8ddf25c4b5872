"""Labels for members and others, other forms of answer, and choices between two categories."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, Templates, describe
from benchmarks.suite.draft import Draft
from benchmarks.suite.shared.categories import CATEGORIES, FURTHER_CATEGORIES, FURTHER_CLASHES

INPUT_NOUNS = ("a word", "one word")
PAIRS_PER_TASK = 48


@dataclass(frozen=True, slots=True)
class Label:
    """A category's label, and the categories whose words could be called members too."""

    label: str
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerForm(Phrases):
    """What is said of members, what of others, and phrases; see answer_forms.toml."""

    yes: str
    no: str

    @property
    def denies_without_label(self) -> bool:
        """Whether all categories share the negative answer; no two tasks then deny one word."""
        return "{" not in self.no


@dataclass(frozen=True, slots=True)
class TwoCategories:
    """Pairs of categories, headings other than the category with an s, and phrases."""

    pairs: tuple[tuple[str, str], ...]
    headings: dict[str, str]
    phrases: Phrases


_FOLDER = Path(__file__).parent
_ALL = CATEGORIES | FURTHER_CATEGORIES
TEMPLATES = read_toml(_FOLDER / "templates.toml", Templates)
_LABELS = read_toml(_FOLDER / "labels.toml", dict[str, Label])
_FURTHER_LABELS = read_toml(_FOLDER / "further_labels.toml", dict[str, str])
LABELS = {name: own.label for name, own in _LABELS.items()} | _FURTHER_LABELS
ANSWER_FORMS = read_toml(_FOLDER / "answer_forms.toml", dict[str, AnswerForm])
TWO_CATEGORIES = read_toml(_FOLDER / "two_categories.toml", TwoCategories)


def tasks() -> list[Draft]:
    """Return the drafts of labels, of other forms of answer, and of two categories."""
    labelled = [
        Draft(
            _slug(category),
            _fill(TEMPLATES.templates, category, label),
            _fill(TEMPLATES.eval_templates, category, label),
            _pairs(category, label, f"not {label}"),
        )
        for category, label in LABELS.items()
    ]
    return [*labelled, *_other_forms(), *_two_categories()]


def _other_forms() -> Iterator[Draft]:
    """Yield every category in two of the forms, which differ from its neighbours'."""
    for i, (name, form) in enumerate(ANSWER_FORMS.items()):
        denied: set[str] = set()
        for j, (category, label) in enumerate(LABELS.items()):
            if (j - 3 * i) % len(ANSWER_FORMS) > 1:
                continue
            members, labels = _ALL[category].phrases, {"label": label, "LABEL": label.upper()}
            yes, no = (text.format(*members, **labels) for text in (form.yes, form.no))
            pairs = _pairs(category, yes, no, denied)
            if form.denies_without_label:
                denied.update(word for word, answer in pairs.items() if answer == no)
            phrases = form.format(*members, **labels)
            yield describe(f"{_slug(category)}-{name}", phrases, INPUT_NOUNS, pairs)


def _two_categories() -> Iterator[Draft]:
    """Yield words of two categories, to be told apart by headings."""
    for pair in TWO_CATEGORIES.pairs:
        headings = [TWO_CATEGORIES.headings.get(name, f"{name}s") for name in pair]
        a, b = (_ALL[name].phrases[0] for name in pair)
        phrases = TWO_CATEGORIES.phrases.format(A=headings[0], B=headings[1], a=a, b=b)
        pairs = {
            word: heading
            for name, heading in zip(pair, headings, strict=True)
            for word in _ALL[name].words
        }
        yield describe(_slug("-or-".join(pair)), phrases, INPUT_NOUNS, pairs)


def _pairs(category: str, yes: str, no: str, denied: Collection[str] = ()) -> dict[str, str]:
    """Return all members and as many other words, or a few more, none of them denied."""
    if category in CATEGORIES:
        home, unclear = CATEGORIES, set(_LABELS[category].unclear)
    else:
        home = FURTHER_CATEGORIES
        unclear = {name for group in FURTHER_CLASHES if category in group for name in group}
    members = home[category].words
    others = [
        word
        for name, own in home.items()
        if name != category and name not in unclear
        for word in own.words
        if word not in denied
    ]
    count = PAIRS_PER_TASK - len(members)
    chosen = random.Random(f"membership {category}").sample(others, count)
    return dict.fromkeys(members, yes) | dict.fromkeys(chosen, no)


def _fill(templates: Collection[str], category: str, label: str) -> tuple[str, ...]:
    phrases = _ALL[category].phrases
    return tuple(t.format(phrases[i % len(phrases)], label) for i, t in enumerate(templates))


def _slug(category: str) -> str:
    return category.replace(" ", "-")
