"""Names in a row: weekdays, months, seasons, planets, signs of the zodiac."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.data import read_toml


@dataclass(frozen=True, slots=True)
class NameSequence:
    """Names in their order, and the texts that mention one.

    Args:
        input_nouns: what an input may be called.
        example: an input to show.
        names: the names; no one is part of another.
        frames: texts with the field {} for a name, which make the inputs.
        steps: style of the answer to the steps that the grid has.
        circular: whether the first name follows the last.
    """

    input_nouns: tuple[str, ...]
    example: str
    names: tuple[str, ...]
    frames: tuple[str, ...]
    steps: dict[str, tuple[int, ...]]
    circular: bool = True

    def texts(self) -> list[str]:
        """Return every frame with every name."""
        return [frame.format(name) for frame in self.frames for name in self.names]

    def index(self, text: str) -> int:
        """Return the place of the name that the text mentions, from 0."""
        return next(i for i, name in enumerate(self.names) if name in text)

    def neighbour(self, text: str, step: int) -> str | None:
        """Return the name so many steps on, or None beyond the end of a row."""
        place = self.index(text) + step
        if not self.circular and place not in range(len(self.names)):
            return None
        return self.names[place % len(self.names)]


NAMES = read_toml(
    Path(__file__).with_name("names.toml"),
    dict[str, NameSequence],
    keys=("weekday", "month", "season", "planet", "sign"),
)
