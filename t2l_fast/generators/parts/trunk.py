"""Parts of Text-to-LoRA's trunk; submodule names are those of the published checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.errors import ArgumentError
from t2l_fast.generators.parts.task_encoders import OneHot, task_encoder
from t2l_fast.generators.parts.trunk_config import TrunkConfig


class TrunkNetwork(nn.Module):
    """Text-to-LoRA's trunk, with the names that published checkpoints have.

    Args:
        config: its shape.
    """

    config: Any
    code_mean: Tensor
    code_std: Tensor

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        if config.standardise_codes:
            self.register_buffer("code_mean", torch.zeros(config.task_embedding_size))
            self.register_buffer("code_std", torch.ones(config.task_embedding_size))
        self.task_encoder: Any = task_encoder(config)
        _, depth, kind = config.code_widths
        self.layer_depth_encoder = self._index_encoder(config.num_layers, depth)
        self.layer_type_encoder = self._index_encoder(len(config.module_shapes), kind)
        self.mixer = mixer(config)
        self.mlp1, self.mlp2 = ResidualMLP(config), ResidualMLP(config)
        self.mlp3 = last_mlp(config)

    def mixed(self, codes: Tensor) -> Tensor:
        """Return `[modules, layers, N, m]` of codes `[N, d_e]`: what mlp1 reads.

        Raises:
            ArgumentError: codes of another shape.
        """
        if codes.dim() != 2 or codes.shape[1] != self.config.task_embedding_size:
            raise ArgumentError(
                f"codes must have shape [N, d_e]=(*, {self.config.task_embedding_size}), "
                f"got {tuple(codes.shape)}"
            )
        task = self.task_encoder(codes.to(self.anchor))
        depth = self.layer_depth_encoder(self._indices(self.config.num_layers)).to(task)
        kind = self.layer_type_encoder(self._indices(len(self.config.module_shapes))).to(task)
        shape = (len(kind), len(depth), len(task), -1)
        parts = (task[None, None], depth[None, :, None], kind[:, None, None])
        return self.mixer(torch.cat([p.expand(shape) for p in parts], dim=-1))

    @property
    def anchor(self) -> Tensor:
        """A weight of the trunk: its device and dtype are those that codes are moved to."""
        return self.mixer[1].weight  # pyright: ignore

    @property
    def auxiliary_loss(self) -> Tensor | None:
        """What the last forward pass in training mode adds to any loss, with its graph, or None.

        It comes from "vq" task encoders alone, and goes back in one pass with the adapters.
        """
        return getattr(self.task_encoder, "loss", None)

    def _index_encoder(self, count: int, width: int) -> nn.Module:
        discrete = self.config.task_encoder == "discrete"
        return OneHot(count) if discrete else index_encoder(count, width)

    def _indices(self, count: int) -> Tensor:
        return torch.arange(count, device=self.anchor.device)


class ResidualMLP(nn.Module):
    """x + MLP(x) over `[…, m]`."""

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        width = config.trunk_width
        self.mlp = nn.Sequential(nn.LayerNorm(width), *_wide(config, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x + mlp(x)`, of the shape of `x`."""
        return x + self.mlp(x)


class LayerRows(nn.Module):
    """Numbers as large as one adapter: `A[module]` `[layers, rank, in]`, `B[module]` likewise.

    Args:
        trained: parameters instead of buffers.
        fill: where they start.
    """

    def __init__(self, config: TrunkConfig, *, trained: bool = False, fill: float = 0.0) -> None:
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
        """Return the pair for A and for B of one module type.

        Returns:
            `[layers, rank, in]` and `[layers, rank, out]`.
        """
        return getattr(self.A, name_of(module)), getattr(self.B, name_of(module))


def name_of(module: str) -> str:
    """Return a site key as a submodule's name, in which torch allows no dot."""
    return module.replace(".", "/")


def index_encoder(count: int, width: int) -> nn.Sequential:
    """Build `count` learned vectors, normalised: of layers, module types or rank rows."""
    return nn.Sequential(nn.Embedding(count, width), nn.LayerNorm(width))


def mixer(config: TrunkConfig) -> nn.Sequential:
    """Build the MLP over the concatenation [task, depth, type] `[…, m]`."""
    return nn.Sequential(nn.Dropout(config.dropout), *_wide(config, config.trunk_width))


def last_mlp(config: TrunkConfig) -> nn.Sequential:
    """Build the MLP from `[…, m]` to what the heads read, `[…, h]`."""
    layers = _wide(config, config.head_in_size)[:-1]
    return nn.Sequential(nn.LayerNorm(config.trunk_width), *layers)


def _wide(config: TrunkConfig, out: int) -> list[nn.Module]:
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
    """Rotate `[…, m]` into `[…, rank, m]`; the position is the rank row.

    This is the rotary embedding (RoPE, arXiv:2104.09864) with θ = 10000.
    """
    m = x.shape[-1]
    exponents = torch.arange(0, m, 2, device=x.device, dtype=torch.float32) / m
    positions = torch.arange(rank, device=x.device, dtype=torch.float32)
    angles = torch.outer(positions, 10000.0**-exponents).repeat(1, 2).to(x.dtype)
    first, second = x.unsqueeze(-2).chunk(2, dim=-1)
    turned = torch.cat((-second, first), dim=-1)
    return x.unsqueeze(-2) * angles.cos() + turned * angles.sin()
