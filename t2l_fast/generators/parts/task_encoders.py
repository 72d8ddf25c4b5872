"""Text-to-LoRA's task encoders; submodule names are those of the published checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from t2l_fast.generators.parts.trunk_config import CODEBOOK, DISCRETE_CLASSES, TrunkConfig

DECAY = 0.99
"""Decay of a codebook's running averages."""
COMMITMENT = 0.01
"""Weight of the loss that keeps an encoder near its codebook."""
_SMOOTHING = 1e-5


def task_encoder(config: TrunkConfig) -> nn.Module:
    """Build the module that maps task embeddings `[N, d_e]` to `[N, config.code_widths[0]]`."""
    return _KINDS[config.task_encoder](config)


class LinearTaskEncoder(nn.Module):
    """An affine map, normalised."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.code_widths[0]
        self.mlp = nn.Sequential(nn.Linear(config.task_embedding_size, width), nn.LayerNorm(width))

    def forward(self, codes: Tensor) -> Tensor:
        """Map `[N, d_e]` to `[N, width]`."""
        return self.mlp(codes)


class DiscreteTaskEncoder(nn.Module):
    """One class of 64, as a one-hot row: drawn in training, the likeliest else.

    The gradient is that of the probabilities (straight through; Bengio et al. 2013).
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.mlp = _mlp(config, DISCRETE_CLASSES, DISCRETE_CLASSES)

    def forward(self, codes: Tensor) -> Tensor:
        """Map `[N, d_e]` to one-hot rows `[N, 64]`."""
        logits = self.mlp(codes)
        if not self.training:
            return one_hot(logits.argmax(-1), DISCRETE_CLASSES).to(logits)
        shares = logits.softmax(-1)
        drawn = torch.multinomial(shares.detach(), 1).squeeze(-1)
        return one_hot(drawn, DISCRETE_CLASSES).to(shares) + shares - shares.detach()


class SoftmaxTaskEncoder(nn.Module):
    """A mixture of 32 learned vectors, normalised."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.code_widths[0]
        self.mlp = _mlp(config, width, CODEBOOK)
        self.embed = nn.Parameter(torch.randn(CODEBOOK, width))
        self.ln = nn.LayerNorm(width)

    def forward(self, codes: Tensor) -> Tensor:
        """Map `[N, d_e]` to `[N, width]`."""
        return self.ln(self.mlp(codes).softmax(-1) @ self.embed)


class VQTaskEncoder(nn.Module):
    """The nearest of 32 vectors, normalised (van den Oord et al. 2017, appendix A.1).

    The vectors are running means of what they were nearest to, and move in training mode alone.
    Gradients pass straight through. Counts start at 1, as if every vector had been seen once. The
    released code starts them at 0: its first step divides by nearly 0 and throws vectors up to
    10⁵ times as far.

    Attributes:
        embed: `[width, 32]`, the codebook.
        cluster_size: `[32]`, running count of each vector.
        embed_avg: `[width, 32]`, running sums.
        loss: of the last forward pass, with its graph; None after one in eval mode.
    """

    embed: Tensor
    cluster_size: Tensor
    embed_avg: Tensor

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.code_widths[0]
        self.mlp = _mlp(config, width, width)
        self.ln = nn.LayerNorm(width)
        self.register_buffer("embed", torch.randn(width, CODEBOOK))
        self.register_buffer("cluster_size", torch.ones(CODEBOOK))
        self.register_buffer("embed_avg", self.embed.clone())
        self.loss: Tensor | None = None

    def forward(self, codes: Tensor) -> Tensor:
        """Map `[N, d_e]` to `[N, width]`; in training mode also update codebook and loss."""
        z = self.mlp(codes)
        nearest = (z.detach()[:, None] - self.embed.T).square().sum(-1).argmin(-1)
        quantised = self.embed.T[nearest]
        self.loss = COMMITMENT * (quantised - z).square().mean() if self.training else None
        if self.training:
            self._follow(z.detach(), nearest)
        return self.ln(z + (quantised - z).detach())

    @torch.no_grad()
    def _follow(self, z: Tensor, nearest: Tensor) -> None:
        """Move the codebook towards `z` `[N, width]`."""
        chosen = one_hot(nearest, CODEBOOK).to(self.embed)
        self.cluster_size.lerp_(chosen.sum(0), 1.0 - DECAY)
        self.embed_avg.lerp_(z.to(self.embed).T @ chosen, 1.0 - DECAY)
        total = self.cluster_size.sum()
        # vectors that nothing is near to must not divide by 0
        shares = (self.cluster_size + _SMOOTHING) / (total + CODEBOOK * _SMOOTHING)
        self.embed.copy_(self.embed_avg / (shares * total))

    def __getstate__(self) -> dict[str, Any]:
        """Without the loss, whose graph can be neither copied nor pickled."""
        return self.__dict__ | {"loss": None}


class OneHot(nn.Module):
    """Indices as one-hot rows: layers and module types beside a discrete task."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, indices: Tensor) -> Tensor:
        """Return one-hot rows `[…, count]` of indices `[…]`."""
        return one_hot(indices, self.count)


def _mlp(config: TrunkConfig, width: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.task_embedding_size, 4 * width),
        nn.SiLU(),
        nn.Dropout(config.dropout),
        nn.Linear(4 * width, out),
    )


_KINDS: dict[str, type[nn.Module]] = {
    "linear": LinearTaskEncoder,
    "discrete": DiscreteTaskEncoder,
    "vq": VQTaskEncoder,
    "softmax": SoftmaxTaskEncoder,
}
