"""What somebody is asked to do with a thing, and what is said about an aspect of it."""

from __future__ import annotations

ACTIONS = ("bring", "take", "keep", "open", "move", "sell", "draw")
# name: the sentence, what it is called; the last for evaluation
MANNERS: dict[str, tuple[str, ...]] = {
    "please": (
        "Please {verb} the {}.",
        "a polite request",
        "a request with please",
        "a friendly appeal",
        "a kind request",
    ),
    "could": (
        "Could you {verb} the {}?",
        "a polite question",
        "a request with could",
        "an indirect request",
        "a courteous question",
    ),
    "forbid": (
        "Do not {verb} the {}.",
        "a prohibition",
        "a command with do not",
        "a negative order",
        "a ban",
    ),
    "together": (
        "Let us {verb} the {}.",
        "a proposal",
        "a suggestion with let us",
        "a plan for both of us",
        "an invitation to join in",
    ),
    "must": (
        "You must {verb} the {}.",
        "an obligation",
        "an order with must",
        "a duty",
        "a firm order",
    ),
    "may": (
        "May I {verb} the {}?",
        "a wish for permission",
        "a question with may",
        "a request to be allowed",
        "a plea for permission",
    ),
    "should": (
        "You should {verb} the {}.",
        "a recommendation",
        "a piece of advice with should",
        "some advice",
        "a well-meant tip",
    ),
    "never": (
        "Never {verb} the {}!",
        "a lasting prohibition",
        "a warning with never",
        "a rule with never",
        "a ban for all times",
    ),
    "who": (
        "Who will {verb} the {}?",
        "a call for volunteers",
        "a question with who",
        "a search for somebody",
        "a question for a helper",
    ),
    "forgot": (
        "I forgot to {verb} the {}.",
        "a confession",
        "an admission with forgot",
        "an excuse for having forgotten",
        "a regretful report",
    ),
}
# name: what a thing has
ASPECTS = ("price", "colour", "name", "size", "age", "weight", "owner", "picture")
# name: the sentence, what it is called
REMARKS: dict[str, tuple[str, ...]] = {
    "ask": (
        "What do you know about the {aspect} of the {}?",
        "an open question",
        "a question about what you know",
        "an inquiry into knowledge",
    ),
    "tell": (
        "Tell me the {aspect} of the {}.",
        "a demand",
        "a command with tell me",
        "a call for information",
    ),
    "secret": (
        "The {aspect} of the {} is a secret.",
        "a refusal",
        "a claim that it is a secret",
        "a statement of secrecy",
    ),
    "remember": (
        "I remember the {aspect} of the {}.",
        "a memory",
        "a claim with remember",
        "a piece of recollection",
    ),
    "surprise": (
        "What a surprise, the {aspect} of the {}!",
        "an exclamation",
        "a cry of surprise",
        "an outburst of amazement",
    ),
}
