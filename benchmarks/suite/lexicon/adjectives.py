"""Common adjectives that no category holds."""

from __future__ import annotations

ADJECTIVES: tuple[str, ...] = tuple(
    (
        "big small tall short long wide narrow thick thin heavy light hot cold warm cool wet dry "
        "new old young fast slow strong weak hard soft loud quiet bright dark clean dirty rich "
        "poor happy sad angry calm brave shy kind cruel clever lazy busy free full empty sharp "
        "smooth rough sweet sour fresh cheap safe funny simple strange ugly"
    ).split()
)
"""60 adjectives, each one word."""
