"""adopt_encoder: a generator goes on with another text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from t2l_fast.encoders import TextEncoder, cached
from t2l_fast.generators import Generator, GeneratorConfig, registration
from t2l_fast.train.data.embeddings import keep_embeddings


def adopt_encoder(
    generator: Generator,
    encoder: TextEncoder,
    descriptions: Sequence[Sequence[str]],
    *,
    cache: str | Path | None = None,
) -> Generator:
    """Return the same generator behind another encoder (`Generator.adopt`).

    Args:
        generator: left as it was.
        descriptions: of every task.
        cache: a file that keeps the embeddings of both encoders; None = none.

    Returns:
        A generator in eval mode whose `config.encoder` is the new encoder's name.

    Raises:
        ConfigError: this generator can't adopt an encoder.
        ArgumentError: fewer than two descriptions.
        EncoderError: a description can't be embedded.
    """
    keep_embeddings(generator, cache)
    return generator.adopt(encoder if cache is None else cached(encoder, cache), descriptions)


def check_adoptable(config: GeneratorConfig) -> None:
    """Raise unless a generator of this config can adopt another encoder.

    Raises:
        ConfigError: it can't.
    """
    with torch.device("meta"):
        registration(config.kind).model(config).check_adoptable()
