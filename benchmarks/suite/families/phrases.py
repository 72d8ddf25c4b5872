"""phrases: one thing in, a short fixed sentence about it out."""

from __future__ import annotations

import random

from benchmarks.suite.draft import Draft, mapped, worded
from benchmarks.suite.grids.phrases import cells
from benchmarks.suite.lexicon import CATEGORIES

TEMPLATES = (
    "Write {}.",
    "Answer with {}.",
    "Please make {}.",
    "You will be given a word. Reply with {}.",
    "Use the word to form {}.",
    "Could you turn the word into {}?",
    "Complete the phrase: {}.",
    "Return {}, and nothing else.",
    "I would like to read {}.",
    "Build {}.",
    "Given one word, the output is {}.",
    "Whatever the word, say {}.",
    "The reply should be {}.",
    "Your task is to produce {}.",
    "What I want back is {}.",
    "Let me have {}.",
    "For each noun, send {}.",
    "Compose {}.",
    "I am waiting for {}.",
    "As soon as a word arrives, type {}.",
    "Your answer has to be {}.",
    "Only {}, please.",
)
EVAL_TEMPLATES = (
    "Put the input into {}.",
    "A word comes in, and you respond with {}.",
    "Can you give me {}?",
    "Formulate {}.",
    "We need {}.",
)

# name: the sentence, what it says
SENTENCES: dict[str, tuple[str, str]] = {
    "like": ("I like the {}.", "a statement that I like the thing"),
    "hate": ("I hate every {}.", "a statement that I hate every such thing"),
    "where": ("Where is the {}?", "a question about where the thing is"),
    "hello": ("Hello, {}!", "a greeting to the thing"),
    "goodbye": ("Goodbye, dear {}.", "a farewell to the dear thing"),
    "this-is": ("This is my {}.", "a statement that this is mine"),
    "no-more": ("No more {}, please.", "a polite request for no more of it"),
    "best": ("The {} is the best.", "praise of the thing as the best"),
    "give": ("Give me the {}.", "a command to hand the thing over to me"),
    "need": ("We need one {} now.", "a statement that we need one now"),
    "lost": ("She lost her {}.", "a report that she lost hers"),
    "found": ("He found a second {}.", "a report that he found a second one"),
    "who": ("Who took the {}?", "a question about who took the thing"),
    "how-much": ("How much is the {}?", "a question about the price of the thing"),
    "why": ("Why the {}?", "a question that asks why it is the thing"),
    "thanks": ("Thank you for the {}.", "thanks for the thing"),
    "sorry": ("Sorry about the {}.", "an apology about the thing"),
    "beware": ("Beware of the {}!", "a warning of the thing"),
    "look": ("Look at that {}!", "a call to look at the thing"),
    "buy": ("They will buy the {} tomorrow.", "a forecast that they will buy it tomorrow"),
    "sold": ("The {} was sold yesterday.", "a note that it was sold yesterday"),
    "broken": ("My {} is broken.", "a complaint that mine is broken"),
    "dream": ("I dreamed of a big {}.", "a report that I dreamed of a big one"),
    "once": ("Once there was a {}.", "the beginning of a fairy tale about the thing"),
    "my-name": ("My name is {}.", "an introduction with the word as my name"),
    "happy-birthday": ("Happy birthday, {}!", "a birthday wish to the thing"),
    "without": ("Not without the {}.", "a refusal to go without the thing"),
    "chapter": ("Chapter one: the {}", "the title of a first chapter about the thing"),
    "for-sale": ("For sale: {}", "an advertisement that offers the thing for sale"),
    "definition": ("A {} is a thing.", "a definition that calls it a thing"),
}


def tasks() -> list[Draft]:
    """One task per sentence, and the grid, over one pool of nouns."""
    nouns = {word for words in CATEGORIES.values() for word in words if word.islower()}
    nouns = sorted(word for word in nouns if len(word) <= 9 and word[0] not in "aeiou")
    pool = random.Random("phrases").sample(nouns, min(240, len(nouns)))
    drafts = []
    for name, (sentence, meaning) in SENTENCES.items():
        phrases = (
            f'the sentence "{sentence.format("X")}" with the word in place of X',
            f'{meaning}, worded "{sentence.format("[thing]")}"',
            f'"{sentence.format("___")}" with the gap filled in',
        )
        drafts.append(
            Draft(
                name,
                worded(TEMPLATES, *phrases, f'"{sentence.format("___")}" around the word'),
                worded(EVAL_TEMPLATES, *phrases[1:], phrases[0]),
                mapped(pool, lambda word, frame=sentence: frame.format(word)),
            )
        )
    return [*drafts, *cells(pool)]
