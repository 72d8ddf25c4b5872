"""morphology: a subject and a form of the verb; a determiner and an adjective before the noun."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import Said, ask, blocks, crossed
from t2l_fast.tasks.lexicon.clauses import FORMS, SUBJECTS, Verb, clause

VERB_NOUNS = ("a verb", "an English verb", "the base form of a verb")
NOUN_NOUNS = ("a noun", "an English noun", "a noun in the singular")

# name: what is written before the adjective, what that is called; the last for evaluation
DETERMINERS: dict[str, tuple[str, ...]] = {
    "a": ("{a}", "a or an", "the indefinite article", "a leading a or an"),
    "the": ("the", 'the word "the"', "the definite article", "a leading the"),
    "my": ("my", "my", "the possessive my", "a leading my"),
    "those": ("those", "the plural those", "those for several", "a leading plural those"),
}
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "old": ("an", "old", "the adjective old", '"old"'),
    "big": ("a", "big", "the adjective big", '"big"'),
}
# name: what stands before the plural, what that is called; the last for evaluation
QUANTITIES: dict[str, tuple[str, ...]] = {
    "three": ("three", "the number three", '"three"'),
    "ten": ("ten", "the number ten", '"ten"'),
    "many": ("many", "the quantity many", '"many"'),
    "some": ("some", "the quantity some", '"some"'),
}
SAID = blocks("""
verb
= the verb with {subject} as its subject, in {form} | a clause of {subject} and the verb in {form}
= the short sentence about {subject}, in {form}
> put the verb into {form}, with {subject} as its subject
> conjugate the verb for {subject} in {form}
> build a short sentence with {subject}, using {form}

noun
= the noun with {determiner} and {adjective} in front | the noun after {determiner} and {adjective}
= a phrase of the noun with {determiner} and {adjective}
> put {determiner} and {adjective} before the noun | describe it with {determiner} and {adjective}
> make a phrase of it with {determiner} and {adjective}

plural
= the plural of the noun after {quantity} | {quantity} and the noun in the plural
= a phrase of {quantity} and the plural
> put the noun into the plural after {quantity} | count the noun with {quantity}, in the plural
> make a phrase of {quantity} and the plural of the noun
""")
ELSEWHERE = {"i-progressive", "you-question"}
"""Cells that the family has under other names."""

Table = Mapping[str, Mapping[str, str]]


def _verbs(told: Table) -> Iterator[tuple[str, Mapping[str, str], Said]]:
    """Half of the cells, others for each subject than for the next.

    Args:
        told: pairs of the family's tasks third-person, past, gerund and participle.
    """
    third, past, gerund, participle = (
        told[name] for name in ("third-person", "past", "gerund", "participle")
    )
    verbs = {
        base: Verb(base, third[base], past[base], gerund[base], participle.get(base, past[base]))
        for base in past
    }
    for i, subject in enumerate(SUBJECTS):
        for j, (form, (_, *called)) in enumerate(FORMS.items()):
            if (i + j) % 4 < 2:
                end = "?" if "question" in form else ""
                pairs = {base: clause(subject, form, verb) + end for base, verb in verbs.items()}
                like = pairs["walk"]
                said = crossed(SAID["verb"], like, subject=f'"{subject}"', form=called)
                yield f"{subject.lower()}-{form}", pairs, said


def _nouns(plurals: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str], Said]]:
    for determiner, (written, *determined) in DETERMINERS.items():
        for adjective, (article, *called) in ADJECTIVES.items():
            before = f"{written.replace('{a}', article)} {adjective}"
            form = plurals.get if determiner == "those" else str
            pairs = _after(before, form, plurals)
            like = pairs["dog"]
            said = crossed(SAID["noun"], like, determiner=determined, adjective=called)
            yield f"{determiner}-{adjective}", pairs, said
    for name, called in QUANTITIES.items():
        pairs = _after(name, plurals.get, plurals)
        said = crossed(SAID["plural"], pairs["dog"], quantity=called)
        yield f"{name}-plural", pairs, said


def _after(
    before: str, form: Callable[[str], str | None], nouns: Mapping[str, str]
) -> dict[str, str]:
    return mapped(nouns, lambda noun: f"{before} {form(noun)}")


def cells(verbs: Table, nouns: Table) -> list[Draft]:
    """One draft per cell, out of the pairs of the family's tasks."""
    kinds = ((_verbs(verbs), VERB_NOUNS), (_nouns(nouns["plural"]), NOUN_NOUNS))
    return [
        ask(name, said, called, pairs)
        for made, called in kinds
        for name, pairs, said in made
        if name not in ELSEWHERE
    ]
