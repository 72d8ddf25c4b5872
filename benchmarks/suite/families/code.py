"""code: two words in, a name or a line of code or markup out."""

from __future__ import annotations

import itertools
import random

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.grids.code import cells, fill
from benchmarks.suite.lexicon import ADJECTIVES, CATEGORIES

TEMPLATES = (
    "Write the two words {}.",
    "Convert the phrase, {}.",
    "Please format the input {}.",
    "You will be given two words. Return them {}.",
    "Can you write the phrase {}?",
    "Print the two words {}, with nothing around it.",
    "Rewrite the given text {}.",
    "Programmers' notation: the phrase {}.",
    "I need these words {}.",
    "How would you write the two words {}?",
    "Output the input {}.",
    "For each phrase, the answer is the phrase {}.",
    "Your job is to render the words {}.",
    "Turn an adjective and a noun into text {}.",
    "The result should be the two words {}.",
    "Type what I send {}.",
    "Whatever the phrase, put it {}.",
    "Let me have the two words {}.",
    "As output I expect the words {}.",
    "Change the phrase to read {}.",
    "The adjective and the noun, {}, please.",
    "Reply with the same words {}.",
)
EVAL_TEMPLATES = (
    "Take the phrase and express it {}.",
    "A pair of words comes in; it goes out {}.",
    "Show me how the words look {}.",
    "Could the input be written {}, please?",
    "Respond with the phrase {}.",
)

# name: the form, as in `fill`; two phrases; near-twins' group
FORMS: dict[str, tuple[str, str, str, str | None]] = {
    "snake-case": ("{a}_{b}", "in snake_case", "joined by an underscore", None),
    "kebab-case": ("{a}-{b}", "in kebab-case", "joined by a hyphen", None),
    "camel-case": (
        "{a}{B}",
        "in camelCase",
        "joined without a space, only the second word capitalised",
        None,
    ),
    "pascal-case": (
        "{A}{B}",
        "in PascalCase like a class name",
        "joined without a space, both words capitalised",
        None,
    ),
    "constant-case": (
        "{UA}_{UB}",
        "in CONSTANT_CASE",
        "in upper case joined by an underscore, like a constant",
        None,
    ),
    "title-case": ("{A} {B}", "in Title Case", "with a capital at the start of each word", None),
    "train-case": ("{A}-{B}", "in Train-Case", "capitalised and joined by a hyphen", None),
    "dotted": ("{a}.{b}", "as a dotted name", "joined by a dot", None),
    "no-space": ("{a}{b}", "without the space", "run together in lower case", None),
    "path": ("{a}/{b}", "as a file path", "joined by a forward slash", None),
    "windows-path": ("{a}\\{b}", "as a Windows path", "joined by a backslash", None),
    "double-colon": ("{a}::{b}", "as a C++ scope", "joined by a double colon", None),
    "arrow": ("{a}->{b}", "as a C pointer access", "joined by an arrow (->)", None),
    "python-print": (
        'print("{a} {b}")',
        "as a Python print call",
        "as a double-quoted string inside print()",
        None,
    ),
    "python-string": (
        's = "{a} {b}"',
        "as a Python string assigned to the variable s",
        "in double quotes after s and an equals sign",
        None,
    ),
    "python-list": (
        '["{a}", "{b}"]',
        "as a Python list of two strings",
        "in double quotes each, as items in square brackets",
        None,
    ),
    "call": (
        "{a}({b})",
        "as a function call",
        "with the second in parentheses after the first",
        None,
    ),
    "index": (
        "{a}[{b}]",
        "as an index",
        "with the second in square brackets after the first",
        None,
    ),
    "assign": ("{a} = {b}", "as an assignment", "joined by a spaced equals sign", None),
    "c-comment": ("/* {a} {b} */", "as a C comment", "between slash-star and star-slash", None),
    "line-comment": ("// {a} {b}", "as a JavaScript line comment", "after two slashes", None),
    "html-heading": ("<h1>{a} {b}</h1>", "as an HTML heading", "inside an h1 tag", None),
    "markdown-bold": ("**{a} {b}**", "bold in Markdown", "between double asterisks", "bold"),
    "markdown-italic": ("*{a} {b}*", "italic in Markdown", "between single asterisks", "italic"),
    "markdown-heading": (
        "# {a} {b}",
        "as a Markdown heading",
        "after a hash sign and a space",
        None,
    ),
    "markdown-bullet": ("* {a} {b}", "as a Markdown bullet", "after a star and a space", None),
    "markdown-task": ("[ ] {a} {b}", "as an open to-do", "after an empty checkbox [ ]", None),
    "markdown-link": (
        "[{a}]({b})",
        "as a Markdown link, text and target",
        "with the first in square brackets and the second in parentheses",
        None,
    ),
    "latex-bold": ("\\textbf{{{a} {b}}}", "bold in LaTeX", "inside the textbf command", None),
    "json-name": (
        '{{"name": "{a} {b}"}}',
        'as a JSON object under the key "name"',
        "as the value of name in curly JSON braces",
        None,
    ),
    "yaml-name": ("name: {a} {b}", 'as YAML under the key "name"', "after name and a colon", None),
    "key-value": ("{a}: {b}", "as a YAML key and value", "with a colon and a space between", None),
    "sql-select": (
        "SELECT {b} FROM {a};",
        "as an SQL query that selects the second from the first",
        "as SELECT second FROM first; in SQL",
        None,
    ),
    "shell-variable": (
        "${UA}_{UB}",
        "as a shell variable",
        "in upper case with an underscore, after a dollar sign",
        None,
    ),
    "css-class": (".{a}-{b}", "as a CSS class", "hyphenated, after a dot", None),
    "hashtag": ("#{a}{b}", "as a hashtag", "run together after a hash sign", "hashtag"),
    "query": ("q={a}+{b}", "as the URL query q", "joined by a plus sign after q=", None),
    "percent": ("{a}%20{b}", "percent-encoded for a URL", "with %20 in place of the space", None),
    "csv": ("{a};{b}", "as a CSV row with semicolons", "separated by a semicolon", None),
    "regex": ("^{a} {b}$", "as an anchored regular expression", "between caret and dollar", None),
    "flag": ("--{a}={b}", "as a command-line option", "after two dashes, joined by an =", None),
}


def tasks() -> list[Draft]:
    """One task per form, and the grid, over one pool of an adjective and a noun each."""
    nouns = sorted(
        {w for words in CATEGORIES.values() for w in words if w.islower() and len(w) < 8}
    )
    adjectives = [word for word in ADJECTIVES if word.isalpha() and len(word) < 8]
    pairs = [f"{a} {b}" for a, b in itertools.product(adjectives, nouns) if a != b]
    pool = random.Random("code").sample(pairs, 240)
    drafts = []
    for name, (form, first, second, group) in FORMS.items():
        like = fill(form, "red apple")
        phrases = (first, second, f"{first}, {second}", f'{first} (like "{like}")')
        drafts.append(
            Draft(
                name,
                worded(TEMPLATES, *phrases, f'written like "{like}" for "red apple"'),
                worded(EVAL_TEMPLATES, *reversed(phrases)),
                mapped(pool, lambda text, form=form: fill(form, text)),
                group,
            )
        )
    return [*drafts, *cells(pool)]
