"""Codes of descriptions: embedded with progress, and no text twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from t2l_fast.encoders import TextEncoder, cached
from t2l_fast.generators import Generator
from t2l_fast.train.run.progress import Progress, silent

_AT_ONCE = 256
"""Texts embedded between two reports of progress."""


def keep_embeddings(generator: Generator, path: str | Path | None) -> None:
    """Put a cache in front of a generator's text encoder; nothing for one that reads no texts.

    Args:
        generator: whose encoder is loaded, if it was not.
        path: of the file, as for `CachedEncoder`; None = leave the encoder as it is.

    Raises:
        ConfigError: the generator's config names no encoder.
        EncoderError: the encoder or the file can't be used.
    """
    if path is not None and generator.reads_text:
        encoder: TextEncoder = generator.encoder  # pyright: ignore[reportAssignmentType]
        generator.use_encoder(cached(encoder, path))


def embedded(
    generator: Generator, texts: Sequence[Sequence[str]], progress: Progress = silent
) -> list[Tensor]:
    """Return the codes of every task's texts, `[D, *code_shape]` each, in fp32.

    Args:
        texts: of every task, at least one each.
        progress: called as "embedding", with how many different texts are done.

    Raises:
        EncoderError: a text can't be embedded.
    """
    distinct = list(dict.fromkeys(text for own in texts for text in own))
    rows: dict[str, Tensor] = {}
    for start in range(0, len(distinct), _AT_ONCE):
        progress("embedding", start, len(distinct))
        chunk = distinct[start : start + _AT_ONCE]
        rows |= zip(chunk, generator.encode(chunk), strict=True)
    progress("embedding", len(distinct), len(distinct))
    return [torch.stack([rows[text] for text in own]) for own in texts]
