"""What the generator reads in a step: a code per task, varied as wordings vary."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from t2l_fast.train.sampler import TaskDraw


def draw_codes(embeddings: Sequence[Tensor], draws: Sequence[TaskDraw], noise: float) -> Tensor:
    """One code per task: a description's embedding or a mixture of two, with noise, on its sphere.

    Args:
        embeddings: of every task's training descriptions, `[D, d_e]` each.
        noise: standard deviation, for draws with a noise seed.

    Returns:
        `[N, d_e]`, each as long as its first description's embedding.
    """
    codes = []
    for draw in draws:
        first, second = (embeddings[draw.task][i] for i in draw.descriptions)
        code = torch.lerp(first, second, draw.mixture)
        if draw.noise_seed is not None:
            generator = torch.Generator().manual_seed(draw.noise_seed)
            code = code + noise * torch.randn(code.shape, generator=generator).to(code)
        codes.append(code * (first.norm() / code.norm().clamp(min=1e-6)))
    return torch.stack(codes)
