"""Collator: examples become rows of token ids, and rows micro-batches."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Protocol

import torch
from torch import nn

from t2l_fast.attention import flash, packable
from t2l_fast.tasks import Example, Prompt
from t2l_fast.train.data.batches import MicroBatch, Row
from t2l_fast.train.data.bucketing import OVERHEAD, bucketed, packed

MAX_TOKENS = 512
"""Default limit of a prompt, and of an answer (T2L's released trainer)."""

Tokens = tuple[tuple[int, ...], int]
"""Ids of a prompt and its answer, and how many are the prompt's."""


class Known(Protocol):
    """Examples that were tokenised before."""

    def get(self, example: Example) -> Tokens | None:
        """Return an example's tokens, None if it is not among them."""
        ...


class Collator:
    """Turns examples into rows, each text tokenised once, and rows into micro-batches.

    Args:
        packed: lay rows end to end (the model runs under `packed_attention`), or pad them.
        overhead: what one more length of rows costs, in tokens.
        max_tokens: of a prompt, and of an answer; longer ones lose their beginning.
        device: of the micro-batches.
        known: examples that were tokenised before, a `TokenCache` for instance.
    """

    def __init__(
        self,
        prompt: Prompt,
        *,
        packed: bool = False,
        overhead: int = OVERHEAD,
        max_tokens: int = MAX_TOKENS,
        device: torch.device | str = "cpu",
        known: Known | None = None,
    ) -> None:
        self.prompt, self.packed, self.overhead = prompt, packed, overhead
        self.max_tokens = max_tokens
        self.device = torch.device(device)
        self.pad: int = prompt.tokenizer.pad_token_id
        self.known = known
        self._texts: dict[tuple[Example, str | None], Tokens] = {}
        self._lock = Lock()  # a tokenizer serves one thread at a time

    def row(self, slot: int, example: Example, description: str | None = None) -> Row:
        """Tokenise an example, or take it from the cache."""
        if self.known is not None and description is None:
            tokens = self.known.get(example)
            if tokens is not None:
                return Row(slot, *tokens)
        key = (example, description)
        with self._lock:
            if key not in self._texts:
                self._texts[key] = tokenised(self.prompt, example, description, self.max_tokens)
        return Row(slot, *self._texts[key])

    def batches(self, rows: Sequence[Row]) -> list[MicroBatch]:
        """Return all rows, sorted by length, in as few and as little padded batches as pays."""
        return [batch.to(self.device) for batch in self.prepared(rows)]

    def prepared(self, rows: Sequence[Row]) -> list[MicroBatch]:
        """Return the same before they go to the device: on the CPU, pinned if that is a GPU."""
        batches = (packed if self.packed else bucketed)(rows, self.pad, overhead=self.overhead)
        return [batch.pin() for batch in batches] if self.device.type == "cuda" else batches


def collator_for(
    model: nn.Module,
    prompt: Prompt,
    *,
    overhead: int = OVERHEAD,
    max_tokens: int = MAX_TOKENS,
    known: Known | None = None,
) -> Collator:
    """Build the collator of a model: packed if it allows that, unpadded with FlashAttention.

    Args:
        overhead, max_tokens, known: as for `Collator`.
    """
    packs = packable(model)
    return Collator(
        prompt,
        packed=packs,
        overhead=0 if packs and flash(model) else overhead,
        max_tokens=max_tokens,
        device=next(model.parameters()).device,
        known=known,
    )


def tokenised(prompt: Prompt, example: Example, description: str | None, max_tokens: int) -> Tokens:
    """Return ids of a prompt and its answer; each loses its beginning beyond `max_tokens`."""
    start = prompt.ids(example, description)
    return joined(start, prompt.answer_ids(example.output, example.prefill), max_tokens)


def joined(start: Sequence[int], end: Sequence[int], max_tokens: int) -> Tokens:
    """Join ids of a prompt and of its answer, cut to `max_tokens` each."""
    start = start[-max_tokens:]
    return (*start, *end[-max_tokens:]), len(start)
