"""Steps along a sequence of names, the sequences, and the styles in which a name is written."""

from __future__ import annotations

from collections.abc import Callable

_COUNTS = ((2, "two"), (3, "three"), (4, "four"), (5, "five"))
# step: its name, what it is called; the last for evaluation
STEPS: dict[int, tuple[str, ...]] = {
    -1: (
        "previous",
        "the previous {unit}",
        "the {unit} just before",
        "the {unit} one step back",
        "the {unit} previous to it",
    ),
    0: (
        "same",
        "the {unit} mentioned",
        "the {unit} named in the input",
        "the same {unit} again",
        "the given {unit} itself",
    ),
    1: (
        "next",
        "the next {unit}",
        "the {unit} right after",
        "the {unit} one step ahead",
        "the {unit} next after it",
    ),
    **{
        -n: (
            f"{word}-before",
            f"the {{unit}} {word} {{short}}s before",
            f"the {{unit}} {n} {{short}}s earlier",
            f"the {{unit}} {word} steps back",
            f"the earlier {{unit}}, {word} {{short}}s before",
        )
        for n, word in _COUNTS
    },
    **{
        n: (
            f"{word}-after",
            f"the {{unit}} {word} {{short}}s after",
            f"the {{unit}} {n} {{short}}s later",
            f"the {{unit}} {word} steps ahead",
            f"the later {{unit}}, {word} {{short}}s after",
        )
        for n, word in _COUNTS
    },
}
# name: how a name is written, what that is called; the last for evaluation
STYLES: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "full": (str, ("in full", "as a whole word", "written in full")),
    "short": (
        lambda name: name[:3],
        ("in three letters", "abbreviated", "as a three-letter abbreviation"),
    ),
    "capitals": (str.upper, ("in capitals", "in upper case", "in upper-case capitals")),
    "lower": (
        str.lower,
        ("in lower case", "without any capital letter", "all in lower-case letters"),
    ),
    "code": (
        lambda name: name[:3].upper(),
        ("in three capital letters", "as an upper-case code of three", "as three capitals"),
    ),
}
SEASONS = ("spring", "summer", "autumn", "winter")
PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
SIGNS = (
    *("Aries", "Taurus", "Gemini", "Cancer", "Leo", "Virgo"),
    *("Libra", "Scorpio", "Sagittarius", "Capricorn", "Aquarius", "Pisces"),
)
SEASON_FRAMES = (
    *("{}", "in {}", "late {}", "We met last {}.", "It is {} here.", "They reopen in {}."),
    *("all through the {}", "I love {}.", "Everything changes in {}."),
)
PLANET_FRAMES = (
    *("{}", "the planet {}", "a photo of {}", "the orbit of {}", "a globe of {}"),
    *("The probe has left {}.", "This book is about {}.", "How large is {}?"),
)
SIGN_FRAMES = (
    *("{}", "born under {}", "Her sign is {}.", "today's horoscope for {}", "My son is {}."),
    *("Is {} your sign?", "the constellation {}"),
)
