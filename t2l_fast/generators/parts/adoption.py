"""The affine map that reads another encoder's codes as the present one reads its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import ArgumentError

_RIDGE = 1e-3
"""Share of the mean variance of codes that is added to all directions."""


def fitted_affine(
    before: nn.Linear,
    encode: Callable[[Sequence[str]], Tensor],
    encoder: TextEncoder,
    descriptions: Sequence[Sequence[str]],
) -> tuple[Tensor, Tensor]:
    """Return weight `[m, d_e]` and bias `[m]`, fp64, fitted by ridge regression.

    Args:
        before: the map that reads codes of `encode`.
        encode: of the present encoder.
        encoder: the new one.
        descriptions: of every task.

    Raises:
        ArgumentError: fewer than two descriptions.
        EncoderError: a description can't be embedded.
    """
    if sum(map(len, descriptions)) < 2:
        raise ArgumentError(
            f"an encoder is adopted by what descriptions mean: at least 2, got {descriptions}"
        )
    new, wanted = [], []
    for texts in descriptions:
        codes = encoder.encode(texts)
        mean = encode(texts).mean(0).to(before.weight)
        new.append(codes)
        wanted.append(before(mean).expand(len(codes), -1))
    return _ridge(torch.cat(new).double(), torch.cat(wanted).double().cpu())


def _ridge(codes: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the affine map from codes `[D, d_e]` to `[D, m]`."""
    mean, average = codes.mean(0), wanted.mean(0)
    centred = codes - mean
    gram = centred.T @ centred
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(len(gram)).to(gram)
    weight = torch.linalg.solve(gram + ridge, centred.T @ (wanted - average)).T
    return weight, average - weight @ mean
