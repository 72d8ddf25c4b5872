"""Sizes of the engine and limits of the server. Importing them loads no engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from t2l_fast.bounds import check_bounds
from t2l_fast.errors import ConfigError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class EngineConfig:
    """Sizes of an engine.

    Args:
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
        ConfigError: a value is out of its bounds, none of its choices, or the cache is smaller than
            two pages.
    """

    max_active: Annotated[int, Ge(1)] = 64
    max_batch_tokens: Annotated[int, Ge(1)] = 1024
    cache_tokens: Annotated[int, Ge(1)] = 32_768
    page_size: Annotated[int, Ge(4)] = 16
    max_queue: Annotated[int, Ge(1)] = 1024
    max_queue_per_tenant: Annotated[int, Ge(1)] = 256
    attention: Literal["auto", "paged", "padded"] = "auto"

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.cache_tokens < 2 * self.page_size:
            raise ConfigError(
                f"cache_tokens must be at least two pages, got page_size={self.page_size} and "
                f"cache_tokens={self.cache_tokens}"
            )


@dataclass(frozen=True)
class Limits:
    """What one request of a server may ask for.

    Args:
        body_bytes: of a JSON body.
        upload_bytes: of a zipped PEFT folder, zipped and unzipped. Rank 64 on all linears of a 7B
            model takes 320 MB in bf16.
        description_chars: of one description.
        descriptions: registered by one call.
        adapters: adapters that a tenant may register.
        trained: trained adapters that a tenant may upload: they take the store's disk (or RAM) by
            the megabyte.
        prompts: of one request.
        choices: answers to each (`n`).
        default_tokens: of a chat answer where the request sets no limit.

    Raises:
        ConfigError: a limit is below 1.
    """

    body_bytes: Annotated[int, Ge(1)] = 8 * MEGABYTE
    upload_bytes: Annotated[int, Ge(1)] = 1000 * MEGABYTE
    description_chars: Annotated[int, Ge(1)] = 2000
    descriptions: Annotated[int, Ge(1)] = 256
    adapters: Annotated[int, Ge(1)] = 100_000
    trained: Annotated[int, Ge(1)] = 1000
    prompts: Annotated[int, Ge(1)] = 128
    choices: Annotated[int, Ge(1)] = 8
    default_tokens: Annotated[int, Ge(1)] = 256

    def __post_init__(self) -> None:
        check_bounds(self)
