"""Parts of Text-to-LoRA's trunk; submodule names are those of the published checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t2l_fast.generators.config import T2LConfig


class ResidualMLP(nn.Module):
    """x + MLP(x) over `[…, m]`."""

    def __init__(self, config: T2LConfig) -> None:
        super().__init__()
        width = config.trunk_width
        self.mlp = nn.Sequential(nn.LayerNorm(width), *_wide(config, width))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mlp(x)


class LayerRows(nn.Module):
    """Numbers as large as one adapter: `A[module]` `[layers, rank, in]`, `B[module]` likewise.

    Args:
        trained: parameters instead of buffers.
        fill: where they start.
    """

    def __init__(self, config: T2LConfig, *, trained: bool = False, fill: float = 0.0) -> None:
        super().__init__()
        self.A, self.B = nn.Module(), nn.Module()
        for m, sizes in config.module_shapes.items():
            for part, size in zip((self.A, self.B), sizes, strict=True):
                rows = torch.full((config.num_layers, config.lora.rank, size), fill)
                if trained:
                    part.register_parameter(name_of(m), nn.Parameter(rows))
                else:
                    part.register_buffer(name_of(m), rows)

    def of(self, module: str) -> tuple[Tensor, Tensor]:
        """Those of A and of B of one module type."""
        return getattr(self.A, name_of(module)), getattr(self.B, name_of(module))


def name_of(module: str) -> str:
    """A site key as a submodule's name, in which torch allows no dot."""
    return module.replace(".", "/")


def index_encoder(count: int, width: int) -> nn.Sequential:
    """A learned vector for each of `count` layers, module types or rank rows, normalised."""
    return nn.Sequential(nn.Embedding(count, width), nn.LayerNorm(width))


def mixer(config: T2LConfig) -> nn.Sequential:
    """Mixes the concatenation [task, depth, type] `[…, m]`."""
    return nn.Sequential(nn.Dropout(config.dropout), *_wide(config, config.trunk_width))


def last_mlp(config: T2LConfig) -> nn.Sequential:
    """`[…, m]` → what the heads read, `[…, h]`."""
    layers = _wide(config, config.head_in_size)[:-1]
    return nn.Sequential(nn.LayerNorm(config.trunk_width), *layers)


def _wide(config: T2LConfig, out: int) -> list[nn.Module]:
    m = config.trunk_width
    return [
        nn.Linear(m, 4 * m),
        nn.SiLU(),
        nn.Dropout(config.dropout),
        nn.Linear(4 * m, out),
        nn.SiLU(),
        nn.Dropout(config.dropout),
    ]


def rotate_by_rank(x: Tensor, rank: int) -> Tensor:
    """`[…, m]` → `[…, rank, m]`: LLaMA's rotary embedding (θ = 10000), position = rank row."""
    m = x.shape[-1]
    exponents = torch.arange(0, m, 2, device=x.device, dtype=torch.float32) / m
    positions = torch.arange(rank, device=x.device, dtype=torch.float32)
    angles = torch.outer(positions, 10000.0**-exponents).repeat(1, 2).to(x.dtype)
    first, second = x.unsqueeze(-2).chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return x.unsqueeze(-2) * angles.cos() + turned * angles.sin()
