"""Cases in which two words become one name, and what they are called."""

from __future__ import annotations

# name: how two words are joined, what that is called; the last for evaluation
CASES: dict[str, tuple[str, ...]] = {
    "snake": (
        "{a}_{b}",
        "snake_case",
        "lower case with an underscore",
        "small letters joined by _",
        "snake case, red_apple",
    ),
    "kebab": (
        "{a}-{b}",
        "kebab-case",
        "lower case with a hyphen",
        "small letters joined by -",
        "kebab case, red-apple",
    ),
    "camel": (
        "{a}{B}",
        "camelCase",
        "camel case with one inner capital",
        "lowerCamelCase",
        "camel case, redApple",
    ),
    "pascal": (
        "{A}{B}",
        "PascalCase",
        "Pascal case with two capitals",
        "UpperCamelCase",
        "Pascal case, RedApple",
    ),
    "constant": (
        "{UA}_{UB}",
        "CONSTANT_CASE",
        "upper case with an underscore",
        "SCREAMING_SNAKE_CASE",
        "constant case, RED_APPLE",
    ),
    "dotted": (
        "{a}.{b}",
        "dotted.case",
        "lower case with a dot",
        "small letters with a dot in the middle",
        "dotted case, red.apple",
    ),
    "train": (
        "{A}-{B}",
        "Train-Case",
        "Header-Case",
        "title case with a hyphen",
        "train case, Red-Apple",
    ),
    "cobol": (
        "{UA}-{UB}",
        "COBOL-CASE",
        "upper case with a hyphen",
        "SCREAMING-KEBAB-CASE",
        "Cobol case, RED-APPLE",
    ),
    "flat": (
        "{a}{b}",
        "flatcase",
        "lower case without any separator",
        "small letters run together",
        "flat case, redapple",
    ),
    "upper": (
        "{UA}{UB}",
        "UPPERFLATCASE",
        "upper case without any separator",
        "block letters run together",
        "upper flat case, REDAPPLE",
    ),
}
