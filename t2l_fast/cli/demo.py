"""`t2l demo`."""

from __future__ import annotations

from rich.console import Console


def demo() -> None:
    """Answer eight requests in one batch, each with an adapter made from its own description."""
    from t2l_fast.demo import run

    run(Console())
