"""TextEncoder: texts in, task embeddings out, prepared and scaled as in Text-to-LoRA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from t2l_fast.errors import EncoderError

MAX_TOKENS = 8192
"""No encoder reads more (Text-to-LoRA's limit); most read less."""
BATCH = 64
"""Texts that go through a model at once."""
_SHOWN = 40  # characters of a text in a message


@runtime_checkable
class TextEncoder(Protocol):
    """What turns texts into embeddings; equal names must mean equal embeddings."""

    @property
    def name(self) -> str:
        """Names the weights: equal names must mean equal embeddings."""
        ...

    @property
    def dim(self) -> int:
        """d_e, the numbers of one embedding."""
        ...

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embed texts.

        Args:
            texts: N of them.

        Returns:
            fp32 `[N, dim]` on the CPU, without gradients, even in inference mode no inference
            tensor: it may be kept and trained with.

        Raises:
            EncoderError: a text is empty, too long or not a string.
        """
        ...


def prepare(text: str) -> str:
    """Strip, and end with a full stop if the last character is a letter (2506.06105)."""
    text = text.strip()
    return f"{text}." if text[-1:].isalpha() else text


def prepare_all(texts: Sequence[str]) -> list[str]:
    """Apply `prepare` to each text.

    Raises:
        EncoderError: `texts` is one string, or a text is empty or no Unicode string.
    """
    if isinstance(texts, str):
        raise EncoderError(f"texts must be a sequence of strings, got one string: [{texts!r}]?")
    prepared = []
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise EncoderError(f"text {index} must be a string, got {type(text).__name__}")
        if not text.strip():
            raise EncoderError(f"text {index} must not be empty, got {text!r}: leave it out")
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise EncoderError(f"text {index} must be Unicode, got a lone surrogate in {text!r}")
        prepared.append(prepare(text))
    return prepared


def refuse_long(name: str, texts: Sequence[str], lengths: Sequence[int], limit: int) -> None:
    """Raise if a text is longer than the encoder reads: nothing is cut silently.

    Raises:
        EncoderError: one of `lengths` (tokens) is above `limit`.
    """
    for index, (text, length) in enumerate(zip(texts, lengths, strict=True)):
        if length > limit:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise EncoderError(
                f"text {index} must have at most {limit} tokens for the encoder {name!r}, got "
                f"{length} ({shown!r}): shorten it or take an encoder that reads more"
            )


def scaled(rows: Tensor) -> Tensor:
    """Scale rows to length √d_e, in fp32 (Text-to-LoRA, arXiv:2506.06105).

    Args:
        rows: `[N, d_e]`.

    Returns:
        fp32 `[N, d_e]`.

    Raises:
        EncoderError: a row is zero or not finite.
    """
    rows = rows.float()
    norms = rows.norm(dim=-1, keepdim=True)
    bad = ~(torch.isfinite(norms) & (norms > 0)).flatten()
    if bad.any():
        raise EncoderError(
            f"embeddings must be finite and not zero, got a row {int(bad.nonzero()[0])} of norm "
            f"{norms[bad][0].item()}: load the encoder in fp32, or take another"
        )
    return rows / norms * rows.shape[-1] ** 0.5
