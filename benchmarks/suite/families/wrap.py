"""wrap: one word in, the word between, before or after some marks out."""

from __future__ import annotations

import random

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.grids.wrap import cells
from benchmarks.suite.lexicon import common_words

TEMPLATES = (
    "Write {}.",
    "Print {}.",
    "Please give me {}.",
    "Return {}, nothing else.",
    "The output should be {}.",
    "You will be given a word. Reply with {}.",
    "Given one word, produce {}.",
    "I want to see {}.",
    "Could you type {}?",
    "How do you write {}?",
    "Format: {}.",
    "For every input, answer with {}.",
    "The task is to output {} and to change nothing more.",
    "Mark up the input: {}.",
    "Copy {}.",
    "From a bare word, make {}.",
    "Let me have {}.",
    "Send {}.",
    "Each word I type should come back as {}.",
    "Your reply has to be {}.",
    "Turn what I write into {}.",
    "Only {}, please.",
)
EVAL_TEMPLATES = (
    "Take the input and show {}.",
    "It would be great to get back {}.",
    "Respond only with {}.",
    "A plain word comes in and what goes out is {}.",
    "What does {} look like?",
)

# name: what stands before the word, what stands after it, two phrases, the near-twins' group
MARKS: dict[str, tuple[str, str, str, str, str | None]] = {
    "square": ("[", "]", "in square brackets", "enclosed by square brackets", None),
    "round": ("(", ")", "in parentheses", "enclosed by round brackets", None),
    "curly": ("{", "}", "in curly braces", "enclosed by curly brackets", None),
    "angle": ("<", ">", "in angle brackets", "between less-than and greater-than signs", None),
    "double-square": ("[[", "]]", "in double square brackets", "as a wiki link", None),
    "double-quotes": ('"', '"', "in double quotes", "between double quotation marks", None),
    "single-quotes": ("'", "'", "in single quotes", "between two apostrophes", None),
    "asterisks": ("*", "*", "between single asterisks", "with one star on each side", "italic"),
    "double-asterisks": (
        "**",
        "**",
        "between double asterisks",
        "with two stars on each side",
        "bold",
    ),
    "underscores": ("_", "_", "between underscores", "with an underscore on each side", None),
    "hyphens": ("-", "-", "between hyphens", "with a dash on both sides", None),
    "slashes": ("/", "/", "between slashes", "with a forward slash on both sides", None),
    "tildes": ("~", "~", "between tildes", "with a wavy tilde on both sides", None),
    "pipes": ("|", "|", "between vertical bars", "with a pipe on both sides", None),
    "dollars": ("$", "$", "between dollar signs", "with a dollar sign on both sides", None),
    "backticks": ("`", "`", "in backticks", "as inline code with a backtick on each side", None),
    "percents": ("%", "%", "between percent signs", "with a percent sign on both sides", None),
    "plus": ("+", "+", "between plus signs", "with a plus on both sides", None),
    "equals": ("=", "=", "between equals signs", "with an equals sign on both sides", None),
    "colons": (":", ":", "between colons", "as an emoji code with a colon on each side", None),
    "exclamation": ("", "!", "followed by an exclamation mark", "called out loud with a !", None),
    "exclamations": (
        "",
        "!!!",
        "followed by three exclamation marks",
        "with triple exclamation marks at the end",
        None,
    ),
    "question": ("", "?", "followed by a question mark", "as a question with a ? added", None),
    "dots": ("", "...", "followed by three dots", "trailing off with an ellipsis", None),
    "semicolon": ("", ";", "followed by a semicolon", "with a semicolon at its end", None),
    "hash": ("#", "", "with a hash sign before it", "as a hashtag", "hashtag"),
    "at": ("@", "", "with an at sign before it", "as a user handle or mention", None),
    "arrow": ("-> ", "", "with an arrow and a space before it", "after an arrow", None),
    "bullet": ("- ", "", "as a list item with a dash and a space before it", "as a bullet", None),
    "html-bold": ("<b>", "</b>", "in an HTML bold tag", "inside the HTML element b", None),
    "html-paragraph": ("<p>", "</p>", "as an HTML paragraph", "inside the HTML element p", None),
    "xml": ("<word>", "</word>", "in an XML tag called word", "as XML with the tag word", None),
    "article": ("the ", "", "with the definite article before it", "after the word the", None),
    "not": ("not ", "", "negated by the word not before it", "after the word not", None),
    "extension": (
        "",
        ".txt",
        "as the name of a text file",
        "with the file extension txt added",
        None,
    ),
}


def tasks() -> list[Draft]:
    """One task per mark, and the grid, over one pool of words."""
    words = [word for word in common_words() if 3 <= len(word) <= 9 and word.isalpha()]
    pool = random.Random("wrap").sample(words, min(240, len(words)))
    drafts = []
    for name, (before, after, first, second, group) in MARKS.items():
        shown = f"{before}word{after}"
        phrases = (
            f"the word {first}",
            f"the input {second}, like {shown}",
            f"the given word {first} ({shown})",
        )
        drafts.append(
            Draft(
                name,
                worded(TEMPLATES, *phrases, f"{shown} with the input instead of word"),
                worded(EVAL_TEMPLATES, *reversed(phrases)),
                mapped(pool, lambda word, b=before, a=after: f"{b}{word}{a}"),
                group,
            )
        )
    return [*drafts, *cells(pool)]
