"""morphology: a subject and a form of the verb; a determiner and an adjective before the noun."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks.suite.draft import Draft, mapped
from benchmarks.suite.lexicon.asking import Said, ask, blocks, crossed
from benchmarks.suite.lexicon.clauses import FORMS, SUBJECTS, Verb, clause

VERB_NOUNS = ("a verb", "an English verb", "the base form of a verb")
NOUN_NOUNS = ("a noun", "an English noun", "a noun in the singular")

# name: what is written before the adjective, what that is called; the last for evaluation
DETERMINERS: dict[str, tuple[str, ...]] = {
    "a": ("{a}", "a or an", "the indefinite article", "an article, a or an", "a leading a or an"),
    "the": ("the", 'the word "the"', "the definite article", "the article the", "a leading the"),
    "my": ("my", "my", "the possessive my", "my for what is mine", "a leading my"),
    "those": (
        "those",
        "the plural those",
        "those for several",
        "those for far things",
        "a leading plural those",
    ),
    "her": ("her", 'the word "her"', "the possessive her", "her for what is hers", "a leading her"),
    "our": ("our", 'the word "our"', "the possessive our", "our for what is ours", "a leading our"),
    "this": ("this", 'the word "this"', "this for a single one", "a near this", "a leading this"),
    "these": (
        "these",
        "the plural these",
        "these for several",
        "these for near things",
        "a leading plural these",
    ),
    "every": ("every", 'the word "every"', "the all-embracing every", "a leading every"),
    "another": (
        "another",
        'the word "another"',
        "another for one more",
        "a leading another",
    ),
}
MANY = {"those", "these"}
"""Determiners with the plural of the noun."""
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "old": ("an", "old", "the adjective old", "the quality old", '"old"'),
    "big": ("a", "big", "the adjective big", "the quality big", '"big"'),
    "new": ("a", "new", "the adjective new", "the quality new", '"new"'),
    "strange": ("a", "strange", "the adjective strange", "the quality strange", '"strange"'),
}
# name: what stands before the plural, what else that is called; the last for evaluation
QUANTITIES: dict[str, tuple[str, ...]] = {
    "three": ("three", "the number three", "the numeral three", '"three"'),
    "ten": ("ten", "the number ten", "the numeral ten", '"ten"'),
    "many": ("many", "the quantity many", "the word many", '"many"'),
    "some": ("some", "the quantity some", "the word some", '"some"'),
    "five": ("five", "the number five", "the numeral five", '"five"'),
    "hundred": ("a hundred", "the number a hundred", "the words a hundred", '"a hundred"'),
    "several": ("several", "the quantity several", "the word several", '"several"'),
    "few": ("a few", "the words a few", "the quantity a few", '"a few"'),
    "both": ("both", "the word both", "the quantity both", '"both"'),
    "all": ("all", "the word all", "the quantity all", '"all"'),
}
SAID = blocks("""
verb
= the verb with {subject} as its subject, in {form} | a clause of {subject} and the verb in {form}
= {subject} followed by what the verb becomes in {form} | {form} of the verb, said of {subject}
= the short sentence about {subject}, in {form}
> put the verb into {form}, with {subject} as its subject
> conjugate the verb for {subject} in {form}
> make {subject} the subject of the verb and use {form}
> inflect the verb in {form} and let it agree with {subject}
> build a short sentence with {subject}, using {form}

noun
= the noun with {determiner} and {adjective} in front | the noun after {determiner} and {adjective}
= {determiner}, {adjective} and then the noun | the noun, preceded by {determiner} and {adjective}
= a phrase of the noun with {determiner} and {adjective}
> put {determiner} and {adjective} before the noun | describe it with {determiner} and {adjective}
> write {determiner}, then {adjective}, then the noun
> extend the noun to the left by {determiner} plus {adjective}
> make a phrase of it with {determiner} and {adjective}

plural
= the plural of the noun after {quantity} | {quantity} and the noun in the plural
= the noun in its plural form, preceded by {quantity} | more than one of the noun, with {quantity}
= a phrase of {quantity} and the plural
> put the noun into the plural after {quantity} | count the noun with {quantity}, in the plural
> write {quantity}, then the plural of the noun | use the plural and place {quantity} before it
> make a phrase of {quantity} and the plural of the noun
""")
ELSEWHERE = {"i-progressive", "you-question"}
"""Cells that the family has under other names."""

Table = Mapping[str, Mapping[str, str]]


def _verbs(told: Table) -> Iterator[tuple[str, Mapping[str, str], Said]]:
    """Every subject in every form.

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
    for subject in SUBJECTS:
        for form, (_, *called) in FORMS.items():
            end = "?" if "question" in form else ""
            pairs = {base: clause(subject, form, verb) + end for base, verb in verbs.items()}
            said = crossed(SAID["verb"], pairs["walk"], subject=f'"{subject}"', form=called)
            yield f"{subject.lower()}-{form}", pairs, said


def _nouns(plurals: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str], Said]]:
    for determiner, (written, *determined) in DETERMINERS.items():
        for adjective, (article, *called) in ADJECTIVES.items():
            before = f"{written.replace('{a}', article)} {adjective}"
            form = plurals.get if determiner in MANY else str
            pairs = _after(before, form, plurals)
            like = pairs["dog"]
            said = crossed(SAID["noun"], like, determiner=determined, adjective=called)
            yield f"{determiner}-{adjective}", pairs, said
    for name, called in QUANTITIES.items():
        pairs = _after(called[0], plurals.get, plurals)
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
