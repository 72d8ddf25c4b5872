"""Clauses: a subject and a verb in a tense, denied or asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import NamedValue

SUBJECTS = ("I", "you", "he", "she", "we", "they")
THIRD_PERSON = ("he", "she", "Anna")
"""Subjects whose verb ends in -s."""
CLAUSE_FORMS = read_toml(Path(__file__).with_name("clause_forms.toml"), dict[str, NamedValue])


@dataclass(frozen=True, slots=True)
class Verb:
    """The forms of a verb: go, goes, went, going, gone."""

    base: str
    third: str
    past: str
    gerund: str
    participle: str


def clause(subject: str, form: str, verb: Verb) -> str:
    """Return subject and verb, without a full stop or a question mark."""
    third = subject in THIRD_PERSON
    return CLAUSE_FORMS[form].value.format(
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
