"""Distinctions between sentences made word by word: their sides and labels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distinction:
    """What holds of a sentence or not, each side said in several ways, and its label pairs."""

    yes: tuple[str, ...]
    no: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]


DISTINCTIONS = {
    "sentiment": Distinction(
        ("praise", "a favourable opinion", "positive sentiment"),
        ("complaints", "an unfavourable opinion", "negative sentiment"),
        (
            ("positive", "negative"),
            ("good", "bad"),
            ("thumbs up", "thumbs down"),
            ("+", "-"),
            ("5 stars", "1 star"),
            ("happy", "sad"),
            ("yes", "no"),
            ("love", "hate"),
        ),
    ),
    "tense": Distinction(
        ("the past", "the past tense", "something that is already over"),
        ("the future", "the future tense", "something that is still to come"),
        (("past", "future"), ("before", "later"), ("was", "will"), ("yesterday", "tomorrow")),
    ),
    "mood": Distinction(
        ("a question", "an interrogative sentence", "a sentence that asks something"),
        ("a statement", "a declarative sentence", "a sentence that states something"),
        (("question", "statement"), ("asks", "tells"), ("Q", "S"), ("?", ".")),
    ),
    "topic": Distinction(
        ("a person", "a human being", "somebody, such as a teacher"),
        ("a thing", "an inanimate object", "something lifeless, such as a meal"),
        (("person", "thing"), ("who", "what"), ("alive", "object"), ("someone", "something")),
    ),
    "politeness": Distinction(
        ("a polite request", "courteous wording", "a friendly way to ask"),
        ("a rude command", "impolite wording", "an unfriendly order"),
        (("polite", "rude"), ("kind", "harsh"), ("request", "order")),
    ),
}
