"""wrap: a mark and the side it stands on, brackets and how wide, tags, endings, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from t2l_fast.tasks.draft import Draft, mapped
from t2l_fast.tasks.lexicon.asking import ask, blocks, crossed

NOUNS = ("a word", "one word", "an English word")

# name: the mark, what it is called; the last for evaluation, as everywhere in the grids
MARKS: dict[str, tuple[str, ...]] = {
    "dollar": ("$", "a dollar sign", "the sign $", "the dollar symbol ($)"),
    "percent": ("%", "a percent sign", "the sign %", "the percentage symbol (%)"),
    "plus": ("+", "a plus sign", "the sign +", "the plus symbol (+)"),
    "colon": (":", "a colon", "the character :", "the colon character (:)"),
    "slash": ("/", "a slash", "the character /", "the forward slash (/)"),
    "pipe": ("|", "a vertical bar", "the pipe |", "the vertical line (|)"),
    "asterisk": ("*", "an asterisk", "the star *", "the asterisk character (*)"),
    "underscore": ("_", "an underscore", "the character _", "the underscore character (_)"),
    "hash": ("#", "a hash sign", "the sign #", "the number sign (#)"),
    "at": ("@", "an at sign", "the sign @", "the at symbol (@)"),
    "ampersand": ("&", "an ampersand", "the sign &", "the and-symbol (&)"),
}
# name: the brackets, what they are called
BRACKETS: dict[str, tuple[str, ...]] = {
    "square": ("[]", "square brackets", "brackets [ and ]", "square bracket characters, []"),
    "round": ("()", "round brackets", "parentheses ( and )", "parenthesis characters, ()"),
    "curly": ("{}", "curly brackets", "braces { and }", "curly brace characters, {}"),
    "angle": ("<>", "angle brackets", "chevrons < and >", "angle bracket characters, <>"),
}
# name: what is written, w being the word and m, o and c the mark, opening and closing bracket
FORMS = {
    "before": "{m}{w}",
    "after": "{w}{m}",
    "both": "{m}{w}{m}",
    "spaced": "{m} {w} {m}",
    "double": "{m}{m}{w}{m}{m}",
    "bracket-spaced": "{o} {w} {c}",
    "bracket-double": "{o}{o}{w}{c}{c}",
}
SAID = blocks("""
before
= the word prefixed with {mark} at its start | {mark} as a prefix, in front of the word
= the word with a prefix in front, {mark}
> prefix the word with {mark} | put {mark} in front of the word, at its start
> start the word with {mark} as its prefix

after
= the word suffixed with {mark} at its end | {mark} as a suffix, behind the word
= the word with a suffix at its end, {mark}
> suffix the word with {mark} | put {mark} behind the word, at its end
> end the word with {mark} as its suffix

both
= the word surrounded by {mark} on both sides | {mark} around the word, on its left and right
= the word surrounded on either side by {mark}
> surround the word with {mark} on both sides | put {mark} to the left and the right of the word
> surround the word, on either side, with {mark}

spaced
= the word surrounded by spaces and {mark}
= the word with spaces around it, then {mark} on both sides
= the word surrounded by {mark}, with spaces
> surround the word with spaces and {mark} | put spaces around the word, then {mark} on both sides
> surround the word, with spaces, by {mark}

double
= the word surrounded by double marks, {mark} doubled
= the word in double marks, two times {mark} on each side
= the word surrounded by double marks, {mark}
> surround the word with double marks, {mark} doubled
> put double marks, two times {mark}, on each side of the word
> surround the word with double marks, {mark}

bracket-spaced
= the word in {mark} with spaces inside | the word surrounded by spaces and {mark}
= the word with spaces within {mark}
> put the word into {mark} with spaces inside | surround the word with spaces and {mark}
> enclose the word, with spaces, in {mark}

bracket-double
= the word in double {mark} | the word surrounded by {mark}, doubled
= the word within {mark}, double on each side
> put the word into double {mark} | surround the word with {mark}, doubled
> enclose the word in {mark}, double on each side

ending
= the word as the name of {mark} | the word with the ending of {mark} | a name for {mark}
= the word turned into {mark}
> name {mark} after the word | add the ending of {mark} to the word | write the word as {mark}
> turn the word into the name of {mark}

tag
= the word in {mark} | the word inside {mark} | the word surrounded by {mark}
= the word, enclosed by {mark}
> put the word into {mark} | mark the word up with {mark} | write {mark} around the word
> enclose the word by the markup of {mark}

word
= the word with {mark} | the input together with {mark} | a phrase, the word with {mark}
= the short phrase of the word with {mark}
> write the word with {mark} | say the word with {mark} | make a phrase of the word with {mark}
> extend the word, with {mark}
""")
# name: the ending, what kind of name it makes
ENDINGS: dict[str, tuple[str, ...]] = {
    "python": (".py", "a Python file (.py)", "a Python script with .py", "a .py script"),
    "picture": (".jpg", "a JPEG picture (.jpg)", "an image file with .jpg", "a .jpg photo"),
    "site": (".com", "a web site (.com)", "an Internet domain with .com", "a .com address"),
}
TAGS: dict[str, tuple[str, ...]] = {
    "italic": ("i", "an HTML italic tag (<i>)", "the HTML element i", "an i tag"),
    "heading": ("h1", "an HTML heading tag (<h1>)", "the HTML element h1", "an h1 tag"),
    "item": ("li", "an HTML list item tag (<li>)", "the HTML element li", "an li tag"),
}
WORDS: dict[str, tuple[str, ...]] = {
    "my": ("my {w}", "my before it", '"my" in front', "a leading my"),
    "our": ("our {w}", "our before it", '"our" in front', "a leading our"),
    "too": ("{w} too", "too after it", '"too" at the end', "a trailing too"),
    "here": ("{w} here", "here after it", '"here" at the end', "a trailing here"),
    "my-too": (
        "my {w} too",
        "my before it and too after it",
        '"my" in front and "too" at the end',
        "a leading my and a trailing too",
    ),
    "our-here": (
        "our {w} here",
        "our before it and here after it",
        '"our" in front and "here" at the end',
        "a leading our and a trailing here",
    ),
}
ELSEWHERE = {"hash-before", "at-before", "asterisk-double"}
"""Cells that the family has under other names; so it has most of `both`."""


def _cells() -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Name, what is written, its block of `SAID`, what its value is called."""
    for i, (name, (mark, *called)) in enumerate(MARKS.items()):
        both = ("both",) if name in ("hash", "at", "ampersand") else ()
        for side in ("before", "after", *both, ("spaced", "double")[i % 2]):
            yield f"{name}-{side}", FORMS[side].replace("{m}", mark), side, called
    for i, (name, (pair, *called)) in enumerate(BRACKETS.items()):
        width = ("spaced", "double")[i % 2]
        form = FORMS[f"bracket-{width}"]
        written = form.replace("{o}", pair[0]).replace("{c}", pair[1])
        yield f"{name}-{width}", written, f"bracket-{width}", called
    for name, (ending, *called) in ENDINGS.items():
        yield f"{name}-name", f"{{w}}{ending}", "ending", called
    for name, (tag, *called) in TAGS.items():
        yield f"html-{name}", f"<{tag}>{{w}}</{tag}>", "tag", called
    for name, (written, *called) in WORDS.items():
        yield f"word-{name}", written, "word", called


def put(written: str, word: str) -> str:
    """The form with the word in its place; braces of the form's own stay."""
    return written.replace("{w}", word)


def cells(pool: Sequence[str]) -> list[Draft]:
    """One draft per cell, over the family's words."""
    return [
        ask(
            name,
            crossed(SAID[said], mark=called),
            NOUNS,
            mapped(pool, lambda word, written=written: put(written, word)),
        )
        for name, written, said, called in _cells()
        if name not in ELSEWHERE
    ]
