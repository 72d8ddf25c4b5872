"""Whether a word belongs to a category, as the label or "not" and the label, or said otherwise."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from benchmarks.suite.draft import Draft
from benchmarks.suite.lexicon import CATEGORIES, MEMBERS
from benchmarks.suite.lexicon.asking import drafts
from benchmarks.suite.lexicon.kinds import CLASHES, KINDS
from benchmarks.suite.lexicon.verdicts import FORMS, PLURALS, RIVAL_SHEET, RIVALS

_LABELS = {
    "animal": "animal",
    "bird": "bird",
    "fish": "fish",
    "insect": "insect",
    "fruit": "fruit",
    "vegetable": "vegetable",
    "colour": "colour",
    "country": "country",
    "city": "city",
    "body part": "body part",
    "clothing": "clothing",
    "furniture": "furniture",
    "vehicle": "vehicle",
    "profession": "job",
    "musical instrument": "instrument",
    "tool": "tool",
    "drink": "drink",
    "sport": "sport",
    "weather": "weather",
    "metal": "metal",
    "building": "building",
    "emotion": "feeling",
    "family member": "relative",
    "shape": "shape",
    "language": "language",
    "first name": "name",
}

_SHORTER = {
    "dog breed": "dog",
    "headwear": "hat",
    "number word": "number",
    "frequency word": "frequency",
    "motion verb": "motion",
    "speech verb": "speech",
    "character trait": "trait",
    "mythical creature": "myth",
    "royal title": "noble",
    "US state": "state",
}
"""Labels of kinds that have another name."""
_VAGUE = ("bread", "house part", "container", "sound", "hobby", "landform")
"""Kinds of which too many words might be called a member."""

_UNCLEAR = {
    "animal": {"bird", "fish", "insect"},
    "bird": {"toy"},
    "fish": {"food"},
    "fruit": {"vegetable", "food", "tree"},
    "vegetable": {"fruit", "food"},
    "colour": {"fruit", "flower", "gemstone", "metal"},
    "country": {"language"},
    "clothing": {"material"},
    "furniture": {"toy"},
    "vehicle": {"space thing"},
    "profession": {"family member"},
    "tool": {"kitchen item", "material"},
    "drink": {"food"},
    "sport": {"toy", "vehicle"},
    "weather": {"space thing", "time word"},
    "metal": {"colour", "material", "gemstone"},
    "building": {"city"},
    "shape": {"musical instrument", "space thing", "gemstone"},
    "first name": {"flower", "gemstone", "calendar name", "city"},
}
"""Categories whose words could be called members too, so that no task asks about them."""

_TEMPLATES = (
    'Is the word {0}? Answer "{1}" or "not {1}".',
    'Write "{1}" if the word is {0}, otherwise write "not {1}".',
    "Decide whether the input is {0}. Reply {1} when it is and not {1} when it is not.",
    'You will be given one word. Say "{1}" if it names {0}, else say "not {1}".',
    "{1} or not {1}?",
    'Label the word: "{1}" for {0}, "not {1}" for everything else.',
    "Please check if this is {0}; the answer is either {1} or not {1}.",
    "Classify a single word as {1} / not {1}.",
    'Tell me "{1}" when I give you {0}. For other words tell me "not {1}".',
    "The word may or may not be {0}. Output {1} in the first case, not {1} in the second.",
    "Does the word mean {0}? If so, print {1}; if not, print not {1}.",
    "Sort words into two groups, {1} and not {1}, by asking if each one is {0}.",
    'I want to know if a word stands for {0}. Use the labels "{1}" and "not {1}".',
    'Mark {0} as "{1}" and all other words as "not {1}".',
    "Given a word, return {1} if you would call it {0}, else not {1}.",
    '{1} detection: the output is "{1}" for {0} and "not {1}" for other things.',
    "If you are given {0}, write {1}; if you are given something else, write not {1}.",
    'Only {0} gets the answer "{1}", any other word gets "not {1}".',
    "word -> {1} if it is {0}, word -> not {1} if it is not",
    "Does this belong to the words for {0}? The reply is {1} if it does, not {1} if it does not.",
    'Write "not {1}" unless the word is {0}, in which case you write "{1}".',
    "I am looking for {0}. Tell me for each word: {1} or not {1}.",
    "Your task: spot {0}. Output {1} on a find and not {1} otherwise.",
    'Check a word: "{1}" means that it is {0}, "not {1}" means that it is something else.',
)

_EVAL_TEMPLATES = (
    "Whenever the term is {0}, respond with {1}. In all other cases respond with not {1}.",
    'Could this word be {0}? "{1}" means it is, "not {1}" means it is not.',
    "binary labels: {1} ({0}) versus not {1}",
    'Judge each term: would a dictionary call it {0}? Choose between "{1}" and "not {1}".',
    "Recognise {0} by writing {1}, and reject any unrelated word by writing not {1}.",
)


_WORDS = {name: kind.words for name, kind in KINDS.items()}
_PHRASES = MEMBERS | {name: kind.phrases for name, kind in KINDS.items()}


def _pairs(category: str, yes: str, no: str, denied: Collection[str] = ()) -> dict[str, str]:
    """All members, and as many other words, or a few more to make 48, none of them denied."""
    if category in CATEGORIES:
        home, unclear = CATEGORIES, _UNCLEAR.get(category, set())
    else:
        home, unclear = _WORDS, set().union(*(group for group in CLASHES if category in group))
    members = home[category]
    skipped = {category, *unclear}
    allowed = [words for name, words in home.items() if name not in skipped]
    others = [word for words in allowed for word in words if word not in denied]
    chosen = random.Random(f"membership {category}").sample(others, 48 - len(members))
    return dict.fromkeys(members, yes) | dict.fromkeys(chosen, no)


def _described(templates: tuple[str, ...], category: str, label: str) -> tuple[str, ...]:
    phrases = _PHRASES[category]
    return tuple(
        template.format(phrases[i % len(phrases)], label) for i, template in enumerate(templates)
    )


def _formed(labels: dict[str, str]) -> Iterator[Draft]:
    """Every category asked about in two of the other forms, which differ from its neighbours'."""
    for number, form in enumerate(FORMS):
        denied: set[str] = set()
        for i, (category, label) in enumerate(labels.items()):
            if (i - 3 * number) % len(FORMS) > 1:
                continue
            told = {"label": label, "LABEL": label.upper(), "name": category.replace(" ", "-")}
            sheet, yes, no = (
                text.format(*_PHRASES[category], **told) for text in (form.sheet, form.yes, form.no)
            )
            pairs = _pairs(category, yes, no, denied)
            if form.nameless:
                denied.update(word for word, answer in pairs.items() if answer == no)
            yield from drafts(sheet, ("a word", "one word"), {sheet.split()[0]: pairs})


def _rivals() -> Iterator[Draft]:
    """Words of two categories, to be told apart."""
    words = CATEGORIES | _WORDS
    for pair in RIVALS.split():
        first, second = (category.replace("_", " ") for category in pair.split("/"))
        heads = {c: PLURALS.get(c, f"{c}s") for c in (first, second)}
        name = f"{first}-or-{second}".replace(" ", "-")
        a, b = _PHRASES[first][0], _PHRASES[second][0]
        sheet = RIVAL_SHEET.format(name=name, A=heads[first], B=heads[second], a=a, b=b)
        pairs = {word: head for category, head in heads.items() for word in words[category]}
        yield from drafts(sheet, ("a word", "one word"), {name: pairs})


def tasks() -> list[Draft]:
    """One task per labelled category and clear kind, other forms, and choices between two."""
    clear = {name: _SHORTER.get(name, name) for name in KINDS if name not in _VAGUE}
    labels = _LABELS | clear
    plain = [
        Draft(
            category.replace(" ", "-"),
            _described(_TEMPLATES, category, label),
            _described(_EVAL_TEMPLATES, category, label),
            _pairs(category, label, f"not {label}"),
        )
        for category, label in labels.items()
    ]
    return [*plain, *_formed(labels), *_rivals()]
