"""Clauses: a subject and a verb in a tense, denied or asked."""

from __future__ import annotations

from dataclasses import dataclass

SUBJECTS = ("I", "you", "he", "she", "we", "they")
THIRD = ("he", "she", "Anna")
"""Subjects whose verb ends in -s."""


@dataclass(frozen=True, slots=True)
class Verb:
    """The forms of a verb: go, goes, went, going, gone."""

    base: str
    third: str
    past: str
    gerund: str
    participle: str


# name: subject s and verb, what that is called; the last for evaluation
FORMS: dict[str, tuple[str, ...]] = {
    "present": (
        "{s} {present}",
        "the simple present",
        "the present tense",
        "the present simple",
        "the plain present, for habits",
    ),
    "past": (
        "{s} {past}",
        "the simple past",
        "the past tense",
        "the past simple",
        "the plain past, for what is over",
    ),
    "future": (
        "{s} will {base}",
        "the future with will",
        "the future tense",
        "the will-future",
        "the form with will, for what is to come",
    ),
    "progressive": (
        "{s} {be} {gerund}",
        "the present progressive in -ing",
        "the present continuous",
        "the present of be with an -ing form",
        "the -ing form for what goes on now",
    ),
    "past-progressive": (
        "{s} {was} {gerund}",
        "the past progressive in -ing with was or were",
        "the past continuous",
        "the past of be with an -ing form",
        "the -ing form for what was going on",
    ),
    "perfect": (
        "{s} {have} {participle}",
        "the present perfect with have or has",
        "the perfect tense",
        "the present perfect tense",
        "the have-form for what has been done",
    ),
    "negative": (
        "{s} {do} not {base}",
        "the negative present with do not or does not",
        "the denied present",
        "the negated simple present",
        "the present with not, as a denial",
    ),
    "past-negative": (
        "{s} did not {base}",
        "the negative past with did not",
        "the denied past",
        "the negated simple past",
        "the past with not, as a denial",
    ),
    "question": (
        "{do} {s} {base}",
        "a present question with do or does",
        "the interrogative present",
        "a do-question",
        "the present turned into a question",
    ),
    "past-question": (
        "did {s} {base}",
        "a past question with did",
        "the interrogative past",
        "a did-question",
        "the past turned into a question",
    ),
}


def clause(subject: str, form: str, verb: Verb) -> str:
    """Subject and verb, without a full stop or a question mark."""
    third = subject in THIRD
    return FORMS[form][0].format(
        s=subject,
        base=verb.base,
        present=verb.third if third else verb.base,
        past=verb.past,
        gerund=verb.gerund,
        participle=verb.participle,
        be="is" if third else "am" if subject == "I" else "are",
        was="was" if third or subject == "I" else "were",
        do="does" if third else "do",
        have="has" if third else "have",
    )
