"""The attention of a model while a loop has set its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def own_attention(model: Any, attention: str) -> Iterator[None]:
    """Give a model back the attention that it came with, inside the `with` block.

    Args:
        model: of transformers; no loop may run it meanwhile.
        attention: the name that its config had.
    """
    before = model.config._attn_implementation
    if before == attention:
        yield
        return
    model.set_attn_implementation(attention)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
