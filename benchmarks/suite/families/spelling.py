"""spelling: one word in, the whole word spelled in another way out."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.lexicon import common_words
from benchmarks.suite.lexicon.respelled import respelled
from benchmarks.suite.lexicon.spelled_out import spelled_out

TEMPLATES = (
    "Return {}.",
    "How do you write {}?",
    "Please show {}.",
    "The input is a word. Output {}.",
    "Rewrite it as {}.",
    "Given any word, print {}.",
    "I want {}, please.",
    "Read the input and then write {}.",
    "The result must be {}.",
    "Could you type {}?",
    "Spelling change: {}.",
    "For each input, respond with {}.",
    "This task takes a word. Your answer should be {}.",
    "Produce {}.",
)
EVAL_TEMPLATES = (
    "Take the letters of the input and give {}.",
    "One word comes in, and what goes out is {}.",
    "Reply with nothing more than {}.",
    "What would {} be?",
)

# name: function, two phrases for the templates, a training sentence, an evaluation sentence
RULES: dict[str, tuple[Callable[[str], str], str, str, str, str]] = {
    "upper-case": (
        str.upper,
        "the whole word in capital letters",
        "the word with every letter in upper case",
        "Convert the word to upper case.",
        "Shout the word by making all of its letters capitals.",
    ),
    "capitalised": (
        str.capitalize,
        "the word with only its first letter capitalised",
        "the word as it would look at the start of a sentence, with one initial capital",
        "Capitalise the word.",
        "Make the initial letter big and leave the other letters small.",
    ),
    "last-capital": (
        lambda w: w[:-1] + w[-1].upper(),
        "the word with only its last letter capitalised",
        "the word in lower case except for a capital letter at the end",
        "Turn the final letter into a capital and keep the others as they are.",
        "Make the last letter big and leave the other letters small.",
    ),
    "spelled-spaces": (
        " ".join,
        "the word spelled out with spaces between its letters",
        "all letters of the word one by one, separated by spaces",
        "Put a blank between every two letters.",
        "Spell the word letter by letter with a space after each.",
    ),
    "spelled-hyphens": (
        "-".join,
        "the word spelled out with hyphens between its letters",
        "all letters of the word one by one, joined by dashes (-)",
        "Put a hyphen between every two letters.",
        "Spell the word letter by letter with a dash in each gap.",
    ),
    "spelled-commas": (
        ", ".join,
        "the word spelled out with commas between its letters",
        "all letters of the word as a list separated by commas",
        "Put a comma and a space between every two letters.",
        "Spell the word letter by letter as a comma-separated list.",
    ),
    "without-first": (
        lambda w: w[1:],
        "the word without its first letter",
        "what is left of the word once its first letter is removed",
        "Delete the first letter.",
        "Chop the initial letter off and keep the remainder.",
    ),
    "without-last": (
        lambda w: w[:-1],
        "the word without its last letter",
        "what is left of the word once its final letter is removed",
        "Delete the last letter.",
        "Chop off the letter at the end and keep what stands before it.",
    ),
    "reversed": (
        lambda w: w[::-1],
        "the word spelled backwards",
        "the letters of the word in reverse order",
        "Reverse the word.",
        "Read the letters from right to left and write them down.",
    ),
    "first-doubled": (
        lambda w: w[0] + w,
        "the word with its first letter doubled",
        "the word with its initial letter written two times at the start",
        "Put one more copy of the first letter in front of the word.",
        "Stutter: repeat the opening letter once and then go on with the word.",
    ),
    "last-tripled": (
        lambda w: w + 2 * w[-1],
        "the word with its last letter written three times",
        "the word stretched by two more copies of its final letter",
        "Repeat the last letter so that it stands there three times.",
        "Drag out the ending by tripling the closing letter.",
    ),
}


def tasks() -> list[Draft]:
    """One task per rule, over one pool of words of 5 to 8 letters."""
    words = [w for w in common_words() if 5 <= len(w) <= 8 and w.isalpha()]
    pool = random.Random("spelling").sample(words, min(240, len(words)))
    made = [
        Draft(
            name,
            (*worded(TEMPLATES, first, second), said),
            (*worded(EVAL_TEMPLATES, second, first), held_out),
            mapped(pool, function),
        )
        for name, (function, first, second, said, held_out) in RULES.items()
    ]
    return made + [
        Draft(
            name,
            worded(TEMPLATES, *spelling.phrases),
            worded(EVAL_TEMPLATES, spelling.unseen),
            mapped(pool, spelling.function),
        )
        for name, spelling in (spelled_out() | respelled()).items()
    ]
