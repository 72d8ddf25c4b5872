"""Subject by verb by tense; verb by kind of request; aspect of a thing by kind of remark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.suite.data import read_csv, read_toml
from benchmarks.suite.descriptions import NamedValue, Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft, map_inputs
from benchmarks.suite.shared.clauses import CLAUSE_FORMS, SUBJECTS, Verb, clause

INPUT_NOUNS = ("a word", "a noun", "one word")
SPEAKERS = (*SUBJECTS, "Anna", "people")
TENSES = (
    *("present", "past", "future", "negative", "question", "past-question"),
    *("perfect", "past-negative"),
)


@dataclass(frozen=True, slots=True)
class Requests:
    """What is asked to be done, and sentences that ask for it."""

    actions: tuple[str, ...]
    requests: dict[str, NamedValue]


@dataclass(frozen=True, slots=True)
class Remarks:
    """What a thing has, and sentences about that."""

    aspects: tuple[str, ...]
    remarks: dict[str, NamedValue]


_FOLDER = Path(__file__).parent
PHRASES = read_toml(
    _FOLDER / "grid_phrases.toml", dict[str, Phrases], keys=("clause", "request", "remark")
)
REQUESTS = read_toml(_FOLDER / "requests.toml", Requests)
REMARKS = read_toml(_FOLDER / "remarks.toml", Remarks)
VERBS = tuple(
    Verb(*forms)
    for forms in read_csv(_FOLDER / "verbs.csv", "base", "third", "past", "gerund", "participle")
)


def grid_drafts(nouns: Sequence[str]) -> list[Draft]:
    """Return one draft per cell."""
    return [
        describe(name, phrases, INPUT_NOUNS, map_inputs(nouns, sentence.format))
        for name, sentence, phrases in (*_clauses(), *_requests(), *_remarks())
    ]


def _clauses() -> Iterator[tuple[str, str, Phrases]]:
    """Yield two tenses for a subject and a verb, in turn, so that any value meets any other."""
    for (i, subject), (j, verb) in product(enumerate(SPEAKERS), enumerate(VERBS)):
        for k in dict.fromkeys(((i + j) % 6, (i + 3 * j + 6) % len(TENSES))):
            tense = TENSES[k]
            text = clause(subject, tense, verb)
            end = "?" if "question" in tense else "."
            sentence = f"{text[0].upper()}{text[1:]} the {{}}{end}"
            form = CLAUSE_FORMS[tense]
            phrases = fill_fields(
                PHRASES["clause"],
                shown=sentence.format("X"),
                subject=f'"{subject}"',
                verb=verb.base,
                form=form,
            )
            yield f"{subject.lower()}-{verb.base}-{tense}", sentence, phrases


def _requests() -> Iterator[tuple[str, str, Phrases]]:
    """Yield half of the cells, others for each verb than for the next."""
    for i, verb in enumerate(REQUESTS.actions):
        for j, (name, request) in enumerate(REQUESTS.requests.items()):
            if (i + j) % 4 < 2:
                sentence = request.value.replace("{verb}", verb)
                shown = sentence.format("X")
                phrases = fill_fields(PHRASES["request"], shown=shown, verb=verb, request=request)
                yield f"{name}-{verb}", sentence, phrases


def _remarks() -> Iterator[tuple[str, str, Phrases]]:
    for aspect, (name, remark) in product(REMARKS.aspects, REMARKS.remarks.items()):
        sentence = remark.value.replace("{aspect}", aspect)
        shown = sentence.format("X")
        phrases = fill_fields(PHRASES["remark"], shown=shown, aspect=aspect, remark=remark)
        yield f"{name}-{aspect}", sentence, phrases
