"""letters: one word in, some of its letters out."""

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.grids.letters import cells
from benchmarks.suite.lexicon import common_words

TEMPLATES = (
    "Write {}.",
    "What is {}?",
    "Please tell me {}.",
    "You will be given a word. Answer with {}.",
    "Output {} and nothing else.",
    "Given an English word, return {}.",
    "I need {}, please.",
    "Read the word and then name {}.",
    "The answer must be {}.",
    "Can you give {}?",
    "Spelling exercise: {}.",
    "For each word in the input, the output is {}.",
    "This task takes one word. Your reply should consist of {}.",
    "Determine {}.",
)
EVAL_TEMPLATES = (
    "Look at how the word is spelled and report {}.",
    "A single word comes in, and {} goes out.",
    "Work out {} and print only that.",
    "Would you mind showing me {}?",
)


def _vowels(word: str) -> str:
    return "".join(letter for letter in word if letter in "aeiou")


def _consonants(word: str) -> str:
    return "".join(letter for letter in word if letter not in "aeiou")


# name: function, two phrases for the templates, a training sentence, an evaluation sentence
RULES: dict[str, tuple[Callable[[str], str], str, str, str, str]] = {
    "first": (
        lambda w: w[0],
        "the first letter of the word",
        "the letter that the word begins with",
        "Copy only the first letter, in lower case.",
        "Which letter does this word start with?",
    ),
    "last": (
        lambda w: w[-1],
        "the last letter of the word",
        "the letter that the word ends with",
        "Copy only the last letter.",
        "Which letter stands at the very end of this word?",
    ),
    "second": (
        lambda w: w[1],
        "the second letter of the word",
        "the letter right after the first one",
        "Skip the first letter and copy the one that follows it.",
        "Which letter is number two in this word?",
    ),
    "first-two": (
        lambda w: w[:2],
        "the first two letters of the word",
        "the two letters that the word begins with",
        "Cut the word off after its second letter.",
        "With which two letters does this word start?",
    ),
    "last-two": (
        lambda w: w[-2:],
        "the last two letters of the word",
        "the final pair of letters, in their order",
        "Keep just the two letters at the end.",
        "With which two letters does this word finish?",
    ),
    "first-three": (
        lambda w: w[:3],
        "the first three letters of the word",
        "the three letters that the word begins with",
        "Abbreviate the word to its first three letters.",
        "Keep three letters from the start and drop the rest.",
    ),
    "last-three": (
        lambda w: w[-3:],
        "the last three letters of the word",
        "the three letters that the word ends with",
        "Keep just the final three letters.",
        "Keep three letters from the end and drop everything before.",
    ),
    "length": (
        lambda w: str(len(w)),
        "the number of letters in the word, in digits",
        "the length of the word as a number",
        "Count the letters.",
        "How many letters long is this word?",
    ),
    "vowel-count": (
        lambda w: str(len(_vowels(w))),
        "the number of vowels in the word, in digits",
        "how many of the letters are a, e, i, o or u",
        "Count the vowels (a, e, i, o, u).",
        "How many vowels does this word contain?",
    ),
    "first-kind": (
        lambda w: "vowel" if w[0] in "aeiou" else "consonant",
        'the kind of the first letter, "vowel" or "consonant"',
        '"vowel" if the word starts with a, e, i, o or u, otherwise "consonant"',
        "Say whether the word begins with a vowel or a consonant.",
        "Is the initial letter a vowel or a consonant?",
    ),
    "last-kind": (
        lambda w: "open" if w[-1] in "aeiou" else "closed",
        '"open" if the last letter of the word is a vowel, otherwise "closed"',
        'the type of the ending, "open" for a final vowel and "closed" for a final consonant',
        'Say "open" for words that end in a, e, i, o or u, and "closed" for all others.',
        "Does the word end in a vowel (say open) or in a consonant (say closed)?",
    ),
    "size": (
        lambda w: "short" if len(w) <= 5 else "long",
        '"short" for a word of at most five letters and "long" for more than five',
        'the size of the word, "short" up to five letters and "long" from six letters on',
        'Say "long" if the word has six letters or more, else "short".',
        "Is the word long (over five letters) or short?",
    ),
    "first-capital-letter": (
        lambda w: w[0].upper(),
        "the first letter of the word as a capital",
        "the initial of the word in upper case",
        "Copy the first letter and make it a capital.",
        "Give me the initial, a single upper-case letter.",
    ),
    "vowels-only": (
        _vowels,
        "only the vowels of the word, in order",
        "the letters a, e, i, o and u of the word, with all consonants dropped",
        "Delete every consonant.",
        "Strip the word down to its vowels.",
    ),
    "consonants-only": (
        _consonants,
        "only the consonants of the word, in order",
        "the word with all of its vowels dropped",
        "Delete every vowel.",
        "Strip the word of a, e, i, o and u.",
    ),
    "first-and-last": (
        lambda w: w[0] + w[-1],
        "the first and the last letter of the word, put together",
        "the two outermost letters of the word, side by side",
        "Keep the first letter and the last letter and remove everything between.",
        "Which letters stand at the two ends? Write them as a pair.",
    ),
}


def tasks() -> list[Draft]:
    """One task per rule, and the grid, over one pool of words of 4 to 8 letters."""
    words = [w for w in common_words() if 4 <= len(w) <= 8 and w.isalpha() and _vowels(w)]
    pool = random.Random("letters").sample(words, min(240, len(words)))
    rules = [
        Draft(
            name,
            (*worded(TEMPLATES, first, second), said),
            (*worded(EVAL_TEMPLATES, second, first), held_out),
            mapped(pool, function),
        )
        for name, (function, first, second, said, held_out) in RULES.items()
    ]
    return [*rules, *cells(pool)]
