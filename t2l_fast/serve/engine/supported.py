"""The releases of transformers whose continuous batching the engine was run with."""

from __future__ import annotations

import logging

import transformers

from t2l_fast.errors import MissingPackage

OLDEST, NEWEST = (5, 20), (5, 24)
"""Minor releases; the range that pyproject.toml declares for the extra `serve`."""

log = logging.getLogger("t2l_fast.serve")


def check_transformers(version: str | None = None) -> None:
    """Refuse a release that is too old, and warn of one that is newer than any tried.

    Args:
        version: of transformers; None = the installed one.

    Raises:
        MissingPackage: it is older than `OLDEST`.
    """
    version = version or transformers.__version__
    release = tuple(int(part) for part in version.split(".")[:2])
    oldest, newest = (".".join(map(str, r)) for r in (OLDEST, NEWEST))
    if release < OLDEST:
        raise MissingPackage(
            f"t2l_fast.serve needs transformers {oldest} to {newest}, got {version}: "
            'pip install --upgrade "t2l_fast[serve]"'
        )
    if release > NEWEST:
        log.warning("transformers %s, tested with %s to %s", version, oldest, newest)
