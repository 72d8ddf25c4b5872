"""pick_position: a place or an extreme and how it is written; an order and what joins its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.suite.draft import Draft
from benchmarks.suite.grids.dressed import SAID, dressed
from benchmarks.suite.lexicon.asking import ask, crossed
from benchmarks.suite.lexicon.fields import ways, without
from benchmarks.suite.lexicon.manners import ALONE
from benchmarks.suite.lexicon.positions import EXTREMES, PLACES

NOUNS = ("a list of four words", "four words separated by commas")
CALLED = {
    "first": ("the first word", "word number one", "the opening word"),
    "second": ("the second word", "word number two", "the word next to the opening one"),
    "third": ("the third word", "word number three", "the word next to the closing one"),
    "last": ("the last word", "the final word", "the closing word"),
    "longest": ("the longest word", "the word with the most letters", "the lengthiest word"),
    "shortest": ("the shortest word", "the word with the fewest letters", "the briefest word"),
    "alphabetically-first": (
        "the alphabetically first word",
        "the word that comes first in the alphabet",
        "the word nearest to A",
    ),
    "alphabetically-last": (
        "the alphabetically last word",
        "the word that comes last in the alphabet",
        "the word nearest to Z",
    ),
}
WAYS = without(ALONE, "capitals", "small", "parentheses", "quotes")
"""What the family does not have already."""
# name: which words, what they are called; the last for evaluation
ORDERS: dict[str, tuple[str, ...]] = {
    "reversed": (
        *("3210", "all four words in reverse order", "the list backwards"),
        "all four, read from right to left",
    ),
    "all-but-first": (
        *("123", "all words except the first", "words two, three and four"),
        "the last three words",
    ),
    "all-but-last": (
        *("012", "all words except the last", "words one, two and three"),
        "the first three words",
    ),
    "all-but-second": (
        *("023", "all words except the second", "words one, three and four"),
        "the list with its second word missing",
    ),
    "all-but-third": (
        *("013", "all words except the third", "words one, two and four"),
        "the list with its third word missing",
    ),
    "last-to-front": (
        *("3012", "the list with its last word in front", "all words, the last one put first"),
        "all four, beginning with the closing word",
    ),
    "first-to-end": (
        *("1230", "the list with its first word at the end", "all words, the first one put last"),
        "all four, ending with the opening word",
    ),
    "swap-outer-two": (
        *(
            "3120",
            "the list with its first and last word swapped",
            "all words, the outer two swapped",
        ),
        "all four, words one and four trading places",
    ),
    "swap-halves": (
        *(
            "2301",
            "the list with its halves swapped",
            "all words, the last two before the first two",
        ),
        "all four, the second half in front",
    ),
}
GAPS = ways("""
hyphens = - | joined by hyphens | with hyphens in place of the commas | with a hyphen in every gap
slashes = / | joined by slashes | with slashes in place of the commas | with a slash in every gap
pluses = + | joined by plus signs | with pluses in place of the commas | with a plus in every gap
colons = : | joined by colons | with colons in place of the commas | with a colon in every gap
semicolons = ;_ | joined by semicolons | with semicolons for commas | with a ";" in every gap
spaces = _ | separated by spaces only | with the commas removed | with a mere blank in every gap
and = _and_ | joined by "and" | with "and" in place of the commas | with the word "and" in every gap
arrows = _->_ | joined by arrows (->) | with arrows in place of the commas | with "->" in every gap
""")
"""What stands between words, "_" for a space, and how to say so."""


def cells(places: Sequence[str], extremes: Sequence[str]) -> Iterator[Draft]:
    """Over the family's two pools of lists."""
    answers = {
        name: (CALLED[name], {source: tell(source.split(", ")) for source in pool})
        for asked, pool in ((PLACES, places), (EXTREMES, extremes))
        for name, (tell, _) in asked.items()
    }
    yield from dressed(answers, WAYS, NOUNS, each=6)
    for i, (order, (indices, *what)) in enumerate(ORDERS.items()):
        for j, (name, gap) in enumerate(GAPS.items()):
            if (i + j) % 3:
                join = gap.pattern.replace("_", " ").join
                pairs = {
                    source: join(source.split(", ")[int(index)] for index in indices)
                    for source in (*places, *extremes)
                }
                said = crossed(SAID["written"], what=what, how=gap.phrases)
                yield ask(f"{order}-{name}", said, NOUNS, pairs)
