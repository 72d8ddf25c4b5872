"""repeat: one word in, several copies of it out."""

from __future__ import annotations

import random

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.lexicon import common_words

TEMPLATES = (
    "Write {}.",
    "Say {}.",
    "Please repeat the input: {}.",
    "Output {}, and stop there.",
    "You will be given a word. Answer with {}.",
    "I would like to have {}.",
    "The answer is {}.",
    "Could you print {}?",
    "Read the word, then type {}.",
    "Repetition: {}.",
    "Given a single word, return {}.",
    "What do you get when you write {}?",
    "The reply to each input consists of {}.",
    "Turn the input into {}.",
    "Echo exercise, please produce {}.",
)
EVAL_TEMPLATES = (
    "Show me {}.",
    "Whatever the word is, respond with {}.",
    "Take one word and make {} out of it.",
    "We expect {} as the result.",
    "Can I get {}?",
)

COUNTS = {
    2: ("the word twice", "two copies of the word", "the same word two times"),
    3: ("the word three times", "three copies of the word", "the same word thrice"),
    4: ("the word four times", "four copies of the word", "the same word four times over"),
}

# name: copies, separator, two phrases for the separator
RULES: dict[str, tuple[int, str, str, str]] = {
    "twice-space": (2, " ", "separated by a space", "with a blank in between"),
    "thrice-space": (3, " ", "separated by spaces", "with blanks in between"),
    "four-space": (4, " ", "separated by spaces", "with blanks in between"),
    "twice-joined": (2, "", "without anything between", "glued together with no space"),
    "twice-comma": (2, ", ", "separated by a comma and a space", "with a comma in between"),
    "thrice-comma": (3, ", ", "separated by commas and spaces", "as a list with commas"),
    "twice-hyphen": (2, "-", "joined by a hyphen", "with a dash in between and no spaces"),
    "thrice-hyphen": (3, "-", "joined by hyphens", "with dashes in between and no spaces"),
    "four-hyphen": (4, "-", "joined by hyphens", "with dashes in between and no spaces"),
    "twice-slash": (2, "/", "joined by a slash", "with a forward slash in between"),
    "thrice-slash": (3, "/", "joined by slashes", "with forward slashes in between"),
    "thrice-underscore": (3, "_", "joined by underscores", "with an underscore in each gap"),
    "twice-plus": (2, " + ", "as a sum with a plus sign", "with a spaced plus in between"),
    "thrice-plus": (3, " + ", "as a sum with plus signs", "with a spaced plus in each gap"),
    "twice-equals": (2, " = ", "as an equation", "with a spaced equals sign in between"),
    "twice-and": (2, " and ", 'joined by the word "and"', "connected with and"),
    "thrice-and": (3, " and ", 'joined by the word "and"', "connected with and in each gap"),
    "twice-or": (2, " or ", 'joined by the word "or"', "as alternatives connected with or"),
    "thrice-or": (3, " or ", 'joined by the word "or"', "as alternatives with or in each gap"),
    "twice-but": (2, " but not ", 'joined by the words "but not"', "with but not in between"),
    "twice-versus": (2, " versus ", 'joined by the word "versus"', "opposed with versus"),
    "twice-arrow": (2, " -> ", "joined by an arrow (->)", "with a spaced arrow in between"),
    "thrice-dots": (3, "...", "joined by three dots", "with an ellipsis in each gap"),
    "twice-colon": (2, ": ", "separated by a colon and a space", "with a colon in between"),
    "twice-by": (2, " by ", 'joined by the preposition "by"', "like side by side, with by"),
}


def tasks() -> list[Draft]:
    """One task per count and separator, over one pool of words of at most 8 letters."""
    words = [word for word in common_words() if 3 <= len(word) <= 8 and word.isalpha()]
    pool = random.Random("repeat").sample(words, min(240, len(words)))
    drafts = []
    for name, (copies, separator, first, second) in RULES.items():
        once, other, third = COUNTS[copies]
        phrases = (
            f"{once}, {first}",
            f"{other} {second}",
            f"{third} ({first})",
            f"{once}, {second}",
        )
        drafts.append(
            Draft(
                name,
                worded(TEMPLATES, *phrases),
                worded(EVAL_TEMPLATES, *reversed(phrases)),
                mapped(pool, lambda word, n=copies, s=separator: s.join([word] * n)),
            )
        )
    return drafts
