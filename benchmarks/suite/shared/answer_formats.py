"""Write the answers of other tasks in another way: in quotes, in capitals, after the input."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.suite.data import read_toml
from benchmarks.suite.descriptions import Phrases, describe, fill_fields
from benchmarks.suite.draft import Draft

Case = Literal["", "upper", "lower"]
_CASES: dict[Case, Callable[[str], str]] = {"": str, "upper": str.upper, "lower": str.lower}


def change_case(text: str, case: Case) -> str:
    """Return the text in upper or lower case, or as it is."""
    return _CASES[case](text)


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """A way to write an answer, and what it is called.

    Args:
        pattern: text with the fields {0}, the answer, and {1}, the input.
        names: how descriptions say it, such as "in double quotes".
        eval_name: the same, for evaluation.
        case: "upper" or "lower", to change the letters of the written answer.
    """

    pattern: str
    names: tuple[str, ...]
    eval_name: str
    case: Case = ""

    def write(self, answer: str, source: str) -> str:
        """Return the answer as it is written for this input."""
        return change_case(self.pattern.format(answer, source), self.case)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task answers: what descriptions call it, and its pairs."""

    names: Sequence[str]
    eval_name: str
    pairs: Mapping[str, str]

    @classmethod
    def from_phrases(cls, phrases: Phrases, pairs: Mapping[str, str]) -> Answer:
        """Return the pairs with their task's answer phrases as names, without examples in them."""
        *names, eval_name = without_examples((*phrases.answer, phrases.eval_answer))
        return cls(names, eval_name, pairs)


_FOLDER = Path(__file__).parent
_FORMATS = read_toml(
    _FOLDER / "answer_formats.toml",
    dict[str, dict[str, AnswerFormat]],
    keys=("alone", "beside_input"),
)
ALONE, BESIDE_INPUT = _FORMATS["alone"], _FORMATS["beside_input"]
ANSWER_PHRASES = read_toml(
    _FOLDER / "answer_phrases.toml", dict[str, Phrases], keys=("formatted", "sentence")
)


def without(formats: Mapping[str, AnswerFormat], *names: str) -> dict[str, AnswerFormat]:
    """Return the other formats."""
    return {name: own for name, own in formats.items() if name not in names}


def formatted_drafts(
    answers: Mapping[str, Answer],
    formats: Mapping[str, AnswerFormat],
    input_nouns: Sequence[str],
    formats_each: int,
    excluded: Container[str] = (),
) -> Iterator[Draft]:
    """Yield each answer in so many of the formats, which take turns.

    Args:
        answers: task name to what is written.
        formats: name to how it is written.
        input_nouns: what an input may be called.
        formats_each: formats per answer.
        excluded: names of drafts that other tasks are the same as.
    """
    order = list(formats.items())
    for i, (base, answer) in enumerate(answers.items()):
        for j in range(formats_each):
            name, own = order[(i * formats_each + j) % len(order)]
            if f"{base}-{name}" not in excluded:
                phrases = fill_fields(ANSWER_PHRASES["formatted"], what=answer, how=own)
                pairs = {source: own.write(text, source) for source, text in answer.pairs.items()}
                yield describe(f"{base}-{name}", phrases, input_nouns, pairs)


def sentence_drafts(
    answers: Mapping[str, Answer],
    patterns: Mapping[str, str],
    input_nouns: Sequence[str],
    name_input: Callable[[str], str] = str,
) -> Iterator[Draft]:
    """Yield the answers that have a pattern, told in a sentence.

    Args:
        answers: task name to what is told.
        patterns: task name to a sentence of the answer {0} and the input {1}.
        input_nouns: what an input may be called.
        name_input: what the sentence calls an input.
    """
    for base, pattern in patterns.items():
        sentences = {}
        for source, text in answers[base].pairs.items():
            sentence = pattern.format(text, name_input(source))
            sentences[source] = sentence[0].upper() + sentence[1:]
        shown = f'"{next(iter(sentences.values()))}"'
        phrases = fill_fields(ANSWER_PHRASES["sentence"], what=answers[base], shown=shown)
        yield describe(f"{base}-sentence", phrases, input_nouns, sentences)


def without_examples(phrases: Sequence[str]) -> list[str]:
    """Return the phrases without examples, which would not be written the right way."""
    return [phrase.split(", such as")[0] for phrase in phrases]
