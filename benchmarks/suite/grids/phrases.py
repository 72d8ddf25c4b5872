"""phrases: a subject, a verb and its form; a verb and how somebody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, blocks, crossed
from benchmarks.suite.lexicon.clauses import FORMS, SUBJECTS, Verb, clause
from benchmarks.suite.lexicon.remarks import ACTIONS, ASPECTS, MANNERS, REMARKS

NOUNS = ("a word", "a noun", "one word")
VERBS = (
    Verb("need", "needs", "needed", "needing", "needed"),
    Verb("want", "wants", "wanted", "wanting", "wanted"),
    Verb("see", "sees", "saw", "seeing", "seen"),
    Verb("find", "finds", "found", "finding", "found"),
    Verb("buy", "buys", "bought", "buying", "bought"),
    Verb("paint", "paints", "painted", "painting", "painted"),
    Verb("miss", "misses", "missed", "missing", "missed"),
    Verb("lose", "loses", "lost", "losing", "lost"),
)
PEOPLE = (*SUBJECTS, "Anna", "people")
TENSES = (
    *("present", "past", "future", "negative", "question", "past-question"),
    *("perfect", "past-negative"),
)
SAID = blocks("""
clause
= the sentence "{shown}", with the word in place of X
= {form} of the verb {verb} with {subject}, "{shown}", X being the word
= "{shown}" with the word where X stands
= the word completed to "{shown}", {subject} with the verb {verb}, {form}
= "{shown}", X replaced by the word: {subject} and {verb}, in {form}
> put the word in place of X in "{shown}"
> fill the word into "{shown}", {form} of the verb {verb} with {subject}
> complete "{shown}" by writing the word instead of X
> say "{shown}" with the word for X, which is {form}, {subject} with {verb}
> use the word as X in "{shown}", {subject} and {verb}, in {form}

request
= the sentence "{shown}", with the word in place of X | {manner} to {verb} it, "{shown}", X the word
= "{shown}" with the word where X stands | {manner} of the form "{shown}", with {verb}
= "{shown}", X replaced by the word: {manner} with the verb {verb}
> put the word in place of X in "{shown}" | make {manner} to {verb} it, "{shown}", out of the word
> complete "{shown}" by writing the word instead of X
> phrase {manner} with {verb} like "{shown}", the word being X
> use the word as X in "{shown}", {manner} with the verb {verb}

remark
= the sentence "{shown}", with the word in place of X
= {remark} about the {aspect} of it, "{shown}", X the word
= "{shown}" with the word where X stands | {remark}, "{shown}", on the {aspect} of the thing
= "{shown}", X replaced by the word: {remark} about its {aspect}
> put the word in place of X in "{shown}" | complete "{shown}" by writing the word instead of X
> make {remark} about the {aspect} of it, "{shown}", out of the word
> mention the {aspect} of the thing in {remark}, "{shown}", the word being X
> use the word as X in "{shown}", {remark} about its {aspect}
""")


def _clauses() -> Iterator[tuple[str, str, Said]]:
    """Two tenses for a subject and a verb, in turn, so that any value meets any other."""
    for (i, subject), (j, verb) in product(enumerate(PEOPLE), enumerate(VERBS)):
        for k in dict.fromkeys(((i + j) % 6, (i + 3 * j + 6) % len(TENSES))):
            tense = TENSES[k]
            told = clause(subject, tense, verb)
            end = "?" if "question" in tense else "."
            sentence = f"{told[0].upper()}{told[1:]} the {{}}{end}"
            said = crossed(
                SAID["clause"],
                shown=sentence.format("X"),
                subject=f'"{subject}"',
                verb=verb.base,
                form=FORMS[tense][1:],
            )
            yield f"{subject.lower()}-{verb.base}-{tense}", sentence, said


def _requests() -> Iterator[tuple[str, str, Said]]:
    """Half of the cells, others for each verb than for the next."""
    for i, verb in enumerate(ACTIONS):
        for j, (manner, (frame, *called)) in enumerate(MANNERS.items()):
            if (i + j) % 4 < 2:
                sentence = frame.replace("{verb}", verb)
                shown = sentence.format("X")
                said = crossed(SAID["request"], shown=shown, verb=verb, manner=called)
                yield f"{manner}-{verb}", sentence, said


def _remarks() -> Iterator[tuple[str, str, Said]]:
    """All cells."""
    for aspect, (remark, (frame, *called)) in product(ASPECTS, REMARKS.items()):
        sentence = frame.replace("{aspect}", aspect)
        shown = sentence.format("X")
        said = crossed(SAID["remark"], shown=shown, aspect=aspect, remark=called)
        yield f"{remark}-{aspect}", sentence, said


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's nouns."""
    return [
        ask(name, said, NOUNS, mapped(pool, lambda word, frame=sentence: frame.format(word)))
        for name, sentence, said in (*_clauses(), *_requests(), *_remarks())
    ]
