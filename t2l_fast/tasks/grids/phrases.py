"""phrases: a subject, a verb and its form; a verb and how somebody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed
from t2l_fast.tasks.lexicon.clauses import FORMS, SUBJECTS, Verb, clause

NOUNS = ("a word", "a noun", "one word")
VERBS = (
    Verb("need", "needs", "needed", "needing", "needed"),
    Verb("want", "wants", "wanted", "wanting", "wanted"),
    Verb("see", "sees", "saw", "seeing", "seen"),
    Verb("find", "finds", "found", "finding", "found"),
    Verb("buy", "buys", "bought", "buying", "bought"),
    Verb("paint", "paints", "painted", "painting", "painted"),
)
TENSES = ("present", "past", "future", "negative", "question", "past-question")
ACTIONS = ("bring", "take", "keep")
# name: the sentence, what it is called; the last for evaluation
MANNERS: dict[str, tuple[str, ...]] = {
    "please": (
        "Please {verb} the {}.",
        "a polite request",
        "a request with please",
        "a kind request",
    ),
    "could": (
        "Could you {verb} the {}?",
        "a polite question",
        "a request with could",
        "a courteous question",
    ),
    "forbid": ("Do not {verb} the {}.", "a prohibition", "a command with do not", "a ban"),
    "together": (
        "Let us {verb} the {}.",
        "a proposal",
        "a suggestion with let us",
        "an invitation to join in",
    ),
    "must": ("You must {verb} the {}.", "an obligation", "an order with must", "a firm order"),
    "may": (
        "May I {verb} the {}?",
        "a wish for permission",
        "a question with may",
        "a plea for permission",
    ),
}
SAID = blocks("""
clause
= the sentence "{shown}", with the word in place of X
= {form} of the verb {verb} with {subject}, "{shown}", X being the word
= "{shown}", X replaced by the word: {subject} and {verb}, in {form}
> put the word in place of X in "{shown}"
> fill the word into "{shown}", {form} of the verb {verb} with {subject}
> use the word as X in "{shown}", {subject} and {verb}, in {form}

request
= the sentence "{shown}", with the word in place of X | {manner} to {verb} it, "{shown}", X the word
= "{shown}", X replaced by the word: {manner} with the verb {verb}
> put the word in place of X in "{shown}" | make {manner} to {verb} it, "{shown}", out of the word
> use the word as X in "{shown}", {manner} with the verb {verb}
""")


def _clauses() -> Iterator[tuple[str, str, Said]]:
    """A Latin square: a subject, a verb and a tense meet any other of them exactly once."""
    for i, subject in enumerate(SUBJECTS):
        for j, verb in enumerate(VERBS):
            tense = TENSES[(i + j) % len(TENSES)]
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


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's nouns."""
    return [
        ask(name, said, NOUNS, mapped(pool, lambda word, frame=sentence: frame.format(word)))
        for name, sentence, said in (*_clauses(), *_requests())
    ]
