"""EngineConfig: what an engine holds at once, and how long requests may queue."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from t2l_fast.errors import ConfigError

ATTENTION = Literal["auto", "paged", "padded"]


@dataclass(frozen=True)
class EngineConfig:
    """Sizes of an engine.

    Fields:
        max_active: requests that run at once; more wait in the queue.
        max_batch_tokens: tokens of one forward pass; longer prompts are prefilled in pieces.
        cache_tokens: tokens of all running requests together that the cache holds; a request takes
            whole pages. When it is full, requests give up their pages and are prefilled again.
        page_size: tokens of one page.
        max_queue: requests that may wait before more are refused.
        max_queue_per_tenant: the same for one tenant.
        attention: "paged": by transformers' continuous batching. "padded": as rows that share a
            forward as far as the model lets them. "auto": the first where it gives the model's own
            logits, else the second.

    Raises:
        ConfigError: a size is below 1, the cache is smaller than two pages, or `attention` is
            unknown.
    """

    max_active: int = 64
    max_batch_tokens: int = 1024
    cache_tokens: int = 32_768
    page_size: int = 16
    max_queue: int = 1024
    max_queue_per_tenant: int = 256
    attention: ATTENTION = "auto"

    def __post_init__(self) -> None:
        check_sizes(self)
        if self.attention not in (known := get_args(ATTENTION)):
            raise ConfigError(
                f"attention must be one of {', '.join(known)}, got {self.attention!r}"
            )
        if self.page_size < 4 or self.cache_tokens < 2 * self.page_size:
            raise ConfigError(
                f"page_size must be at least 4 and cache_tokens two pages, got page_size="
                f"{self.page_size} and cache_tokens={self.cache_tokens}"
            )


def check_sizes(config: Any) -> None:
    """Refuse sizes below 1.

    Raises:
        ConfigError: a field of `config`, a dataclass of sizes, is below 1.
    """
    for field in fields(config):
        value = getattr(config, field.name)
        if isinstance(value, int) and value < 1:
            raise ConfigError(f"{field.name} must be at least 1, got {value}")
