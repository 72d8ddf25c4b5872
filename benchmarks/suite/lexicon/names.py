"""First names, many more than the category of that name holds."""

from __future__ import annotations

NAMES: tuple[str, ...] = tuple(
    (
        "Anna Peter Maria John Lucy David Emma Robert Sarah Thomas Julia Michael Laura Daniel "
        "Alice Martin Helen James Nina Oliver Clara Simon Eva Paul Sophie Mark Jane George Olivia "
        "Henry Kate Ben Rachel Adam Rosa Tom Linda Max Ella Jack Amy Leo Grace Sam Diana Victor "
        "Hannah Felix Monica Hugo Carol Oscar Susan Philip Nora Walter Betty Frank Judy Steven"
    ).split()
)
"""60 first names, each one word."""
