"""Limits: what one request of a server may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from t2l_fast.serve.engine.config import check_sizes


@dataclass(frozen=True)
class Limits:
    """What one request of a server may ask for.

    Fields:
        body_bytes: of a JSON body.
        upload_bytes: of a zipped PEFT folder, zipped and unzipped. Rank 64 on all linears of a 7B
            model takes 320 MB in bf16.
        description_chars: of one description.
        descriptions: registered by one call.
        adapters: registered by one tenant.
        trained: of these, uploaded ones, which take the store's disk (or RAM) by the megabyte.
        prompts: of one request.
        choices: answers to each (`n`).
        default_tokens: of a chat answer where the request sets no limit.

    Raises:
        ConfigError: a limit is below 1.
    """

    body_bytes: int = 8_000_000
    upload_bytes: int = 1_000_000_000
    description_chars: int = 2000
    descriptions: int = 256
    adapters: int = 100_000
    trained: int = 1000
    prompts: int = 128
    choices: int = 8
    default_tokens: int = 256

    def __post_init__(self) -> None:
        check_sizes(self)
