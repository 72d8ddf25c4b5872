"""adopt_encoder: a generator goes on with another text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.generators import T2LConfig, TextToLora

_RIDGE = 1e-3
"""Share of the mean variance of codes that is added to all directions."""


@torch.no_grad()
def adopt_encoder(
    generator: TextToLora, encoder: TextEncoder, descriptions: Sequence[Sequence[str]]
) -> TextToLora:
    """The same generator behind another encoder.

    The first affine map of its task encoder is fitted anew, by ridge regression: each of a task's
    descriptions, as the new encoder embeds it, should give what the mean of the task's codes gave
    before. All that follows is kept.

    Args:
        generator: with a linear task encoder; left as it was.
        descriptions: of every task.

    Returns:
        A generator in eval mode whose `config.encoder` is the new encoder's name.

    Raises:
        ConfigError: as `check_adoptable`.
        ArgumentError: fewer than two descriptions.
        EncoderError: a description can't be embedded.
    """
    config = generator.config
    check_adoptable(config)
    if sum(map(len, descriptions)) < 2:
        raise ArgumentError(
            f"an encoder is adopted by what descriptions mean: at least 2, got {descriptions}"
        )
    before = generator.task_encoder.mlp[0]
    new, wanted = [], []
    for texts in descriptions:
        codes = encoder.encode(texts)
        mean = generator.encode(texts).mean(0).to(before.weight)
        new.append(codes)
        wanted.append(before(mean).expand(len(codes), -1))
    weight, bias = _ridge(torch.cat(new).double(), torch.cat(wanted).double().cpu())
    made = TextToLora(
        replace(config, encoder=encoder.name, task_embedding_size=encoder.dim), encoder=encoder
    )
    state = {name: t.clone() for name, t in generator.state_dict().items()}
    state["task_encoder.mlp.0.weight"] = weight.to(before.weight)
    state["task_encoder.mlp.0.bias"] = bias.to(before.bias)
    made.load_state_dict(state, assign=True)
    return made.eval()


def check_adoptable(config: T2LConfig) -> None:
    """Raise unless codes are read by an affine map alone.

    Raises:
        ConfigError: no linear task encoder over texts, or codes that are standardised.
    """
    if config.task_encoder != "linear" or config.task_names or config.standardise_codes:
        raise ConfigError(
            "another encoder can be adopted behind a linear task encoder over plain codes of "
            f"texts, got task_encoder={config.task_encoder!r}, {len(config.task_names)} task "
            f"names, standardise_codes={config.standardise_codes}: keep its encoder"
        )


def _ridge(codes: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Weight `[m, d_e]` and bias `[m]` of the affine map from codes `[D, d_e]` to `[D, m]`."""
    mean, average = codes.mean(0), wanted.mean(0)
    centred = codes - mean
    gram = centred.T @ centred
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(len(gram)).to(gram)
    weight = torch.linalg.solve(gram + ridge, centred.T @ (wanted - average)).T
    return weight, average - weight @ mean
