"""A label from a pair for a sentence: sentiment, tense, question, politeness, and a dozen more."""

from __future__ import annotations

import random

from benchmarks.suite.draft import Draft
from benchmarks.suite.lexicon.distinctions import DISTINCTIONS
from benchmarks.suite.lexicon.judgements import ANYWHERE, Judgement, judgements

SENTENCES = 200
"""Sentences in the pool of all tasks but the polite ones."""


Pairs = tuple[tuple[str, str], ...]

_TEMPLATES = (
    'Write "{0}" for {2} and "{1}" for {3}.',
    "You will be given a sentence. If it has to do with {2}, answer {0}; for {3}, answer {1}.",
    "{0} or {1}? The first means {2}, the second means {3}.",
    "Please label the sentence: {0} stands for {2}, {1} stands for {3}.",
    "Decide between {2} and {3}. Reply with {0} or {1}.",
    'Does the sentence show {2} or {3}? Say "{0}" in the former case and "{1}" in the latter.',
    "labels: {0} = {2}, {1} = {3}",
    "Read the sentence and tell {2} ({0}) from {3} ({1}).",
    "Output {0} whenever you see {2}. Output {1} whenever you see {3}.",
    'I sort sentences into {2} and {3}. Help me by writing "{0}" or "{1}".',
    "When the text has {3}, print {1}. When it has {2}, print {0}.",
    "Classify each sentence as {0} ({2}) / {1} ({3}).",
    'For {3} the answer is "{1}", for {2} the answer is "{0}".',
    "Return {0} if the line is to be called {2}, else return {1}, which stands for {3}.",
    "A short sentence comes in; {0} or {1} goes out, depending on {2} versus {3}.",
    "Choose one of two answers, {0} meaning {2} and {1} meaning {3}.",
    "Tag the sentence. {2} -> {0}, {3} -> {1}",
    "Sentences with {2} get the label {0}, sentences with {3} get the label {1}.",
    'I call {2} "{0}" and {3} "{1}". Which one is it?',
    "What do you see, {2} or {3}? Write just {0} in the first case, just {1} in the second.",
    "Either {0} or {1}, nothing else: {0} for {2}, {1} for {3}.",
    'Your answer is one of "{1}" (for {3}) and "{0}" (for {2}).',
    "Sentence in, code out. The code of {2} is {0}; the code of {3} is {1}.",
    "Tell me what I am looking at: print {0} to mean {2}, print {1} to mean {3}.",
)
_EVAL_TEMPLATES = (
    "Respond to {2} with {0} and to {3} with {1}.",
    'Judge the line of text. My codes are "{0}" for {2} and "{1}" for {3}.',
    "Is this {2}? Then {0}. Or is it {3}? Then {1}.",
    "two-way tagging, {2}: {0}, {3}: {1}",
    "Mark texts with {2} by {0}; texts with {3} deserve {1}.",
)

_PEOPLE = "teacher doctor waiter singer guide driver nurse actor neighbour coach".split()
_THINGS = "soup film hotel book concert meal train song phone room".split()
_GOOD = "wonderful great excellent lovely amazing fantastic brilliant perfect".split()
_BAD = "terrible awful horrible dreadful disappointing annoying dull useless".split()
_POLITE = (
    "Could you please {}?",
    "Would you mind if I asked you to {}?",
    "Please {}, thank you.",
    "May I kindly ask you to {}?",
    "I would be grateful if you could {}.",
)
_RUDE = (
    "{} right now!",
    "Just {} already!",
    "Hurry up and {}!",
    "{}, you fool!",
    "How often must I tell you to {}?!",
)
_REQUESTS = (
    "open the window; close the door; pass the salt; move the car; turn off the light; "
    "wash the dishes; bring the bill; answer the phone; feed the dog; clean the table; "
    "carry the bag; write the letter"
).split("; ")


def _opinions() -> dict[str, dict[str, bool]]:
    """Sentence to the distinctions that hold of it, all four drawn apart."""
    rng = random.Random("labels")
    pool: dict[str, dict[str, bool]] = {}
    while len(pool) < SENTENCES:
        good, past, asked, person = (rng.random() < 0.5 for _ in range(4))
        subject = rng.choice(_PEOPLE if person else _THINGS)
        view = rng.choice(_GOOD if good else _BAD)
        the = rng.choice(("the", "our", "that", "your"))
        if asked:
            text = f"was {the} {subject} {view}?" if past else f"will {the} {subject} be {view}?"
        else:
            text = f"{the} {subject} {'was' if past else 'will be'} {view}."
        held = {"tense": past, "mood": asked, "topic": person}
        pool[text.capitalize()] = held if asked else held | {"sentiment": good}
    return pool


def _requests() -> dict[str, dict[str, bool]]:
    made = {form.format(ask): True for form in _POLITE for ask in _REQUESTS}
    made |= {form.format(ask): False for form in _RUDE for ask in _REQUESTS}
    return {text[0].upper() + text[1:]: {"politeness": held} for text, held in made.items()}


def _label(pair: tuple[str, str]) -> str:
    return "-".join(pair).lower().replace("'", "")


def _drawn(kind: str, pool: dict[str, dict[str, bool]], recurring: Pairs) -> list[Draft]:
    """One task per label pair, its own by number, all over the same sentences of the pool."""
    distinction = DISTINCTIONS[kind]
    sides = tuple(zip(distinction.yes, distinction.no, strict=True))
    named = {f"{kind}-{i}": pair for i, pair in enumerate(distinction.labels, 1)}
    others = (pair for pair in recurring if pair not in distinction.labels)
    named |= {f"{kind}-{_label(pair)}": pair for pair in others}
    return [
        Draft(
            name,
            tuple(t.format(*pair, *sides[i % len(sides)]) for i, t in enumerate(_TEMPLATES)),
            tuple(t.format(*pair, *sides[i % len(sides)]) for i, t in enumerate(_EVAL_TEMPLATES)),
            {text: pair[not held[kind]] for text, held in pool.items() if kind in held},
        )
        for name, pair in named.items()
    ]


def _judged(kind: str, judgement: Judgement) -> list[Draft]:
    """One task per label pair, all over the same sentences."""
    *sides, unseen = zip(judgement.yes, judgement.no, strict=True)
    return [
        Draft(
            f"{kind}-{_label(pair)}",
            tuple(t.format(*pair, *sides[i % len(sides)]) for i, t in enumerate(_TEMPLATES)),
            tuple(t.format(*pair, *unseen) for t in _EVAL_TEMPLATES),
            {text: pair[not held] for text, held in judgement.sentences.items()},
        )
        for pair in judgement.labels
    ]


def tasks() -> list[Draft]:
    """One task per label pair of each distinction."""
    pool = _opinions() | _requests()
    # No pair twice, since these share sentences; yes and no fall to the first, which has them.
    made = [_drawn(kind, pool, ANYWHERE[(i + 2) % 5 :: 5]) for i, kind in enumerate(DISTINCTIONS)]
    made += [_judged(kind, told) for kind, told in judgements().items()]
    return [draft for drafts in made for draft in drafts]
