"""Steps along a sequence of names, and the styles in which a name is written."""

from __future__ import annotations

from collections.abc import Callable

# step: its name, what it is called; the last for evaluation
STEPS: dict[int, tuple[str, ...]] = {
    -1: ("previous", "the previous {unit}", "the {unit} just before", "the {unit} previous to it"),
    0: ("same", "the {unit} mentioned", "the {unit} named in the input", "the given {unit} itself"),
    1: ("next", "the next {unit}", "the {unit} right after", "the {unit} next after it"),
    **{
        -n: (
            f"{word}-before",
            f"the {{unit}} {word} {{short}}s before",
            f"the {{unit}} {n} {{short}}s earlier",
            f"the earlier {{unit}}, {word} {{short}}s before",
        )
        for n, word in ((2, "two"), (3, "three"), (4, "four"))
    },
    **{
        n: (
            f"{word}-after",
            f"the {{unit}} {word} {{short}}s after",
            f"the {{unit}} {n} {{short}}s later",
            f"the later {{unit}}, {word} {{short}}s after",
        )
        for n, word in ((2, "two"), (3, "three"), (4, "four"))
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
}
