"""What other tasks answer, written in another way: in quotes, in capitals, after the input."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from benchmarks.suite.draft import Draft
from benchmarks.suite.lexicon.asking import ask, blocks, crossed
from benchmarks.suite.lexicon.fields import Way

SAID = blocks("""
written
= {what}, {how} | {what}; {how} | {what} ({how})
= {what}, presented {how}
> write {what}, {how} | answer with {what}, {how} | reply with {what} ({how})
> put down {what}, {how}

sentence
= {what}, in a sentence like {shown} | a sentence that tells {what}, such as {shown}
= {what}, told in a complete sentence, as in {shown}
= {what}, as the statement {shown} has it
> tell {what} in a full sentence like {shown} | write a short sentence, such as {shown}, with {what}
> make a statement that contains {what}, as in {shown}
> say {what} in a whole sentence, worded as {shown}
""")
Answers = Mapping[str, tuple[Sequence[str], Mapping[str, str]]]
"""Task to what its answer may be called, the last for evaluation, and its pairs."""


def dressed(
    answers: Answers,
    ways: Mapping[str, Way],
    nouns: Sequence[str],
    each: int,
    elsewhere: Container[str] = (),
) -> Iterator[Draft]:
    """Each of the answers in so many of the ways, in rotation.

    Args:
        answers: what is written.
        ways: how it is written.
        nouns: what an input may be called.
        each: ways per answer.
        elsewhere: names of cells that other tasks are the same as.
    """
    order = list(ways.items())
    for i, (base, (what, pairs)) in enumerate(answers.items()):
        for step in range(each):
            name, way = order[(i * each + step) % len(order)]
            if f"{base}-{name}" not in elsewhere:
                said = crossed(SAID["written"], what=what, how=way.phrases)
                yield ask(f"{base}-{name}", said, nouns, written(way.pattern, pairs))


def sentences(
    answers: Answers, patterns: str, nouns: Sequence[str], called: Callable[[str], str] = str
) -> Iterator[Draft]:
    """Answers told in a sentence.

    Args:
        answers: what is told.
        patterns: lines "name = sentence" of the answer {0} and the input {1}.
        nouns: what an input may be called.
        called: what the sentence calls an input.
    """
    for base, pattern in (line.split(" = ", 1) for line in patterns.strip().splitlines()):
        what, pairs = answers[base]
        made = {}
        for source, answer in pairs.items():
            text = pattern.format(answer, called(source))
            made[source] = text[0].upper() + text[1:]
        said = crossed(SAID["sentence"], what=what, shown=f'"{next(iter(made.values()))}"')
        yield ask(f"{base}-sentence", said, nouns, made)


def plain(phrases: Sequence[str]) -> list[str]:
    """Without examples, which would not be written the right way."""
    return [phrase.split(", such as")[0] for phrase in phrases]


def written(pattern: str, pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs with their answers written as the pattern says."""
    change = {"^": str.upper, "_": str.lower}.get(pattern[0], str)
    bare = pattern.lstrip("^_")
    return {source: change(bare.format(answer, source)) for source, answer in pairs.items()}
