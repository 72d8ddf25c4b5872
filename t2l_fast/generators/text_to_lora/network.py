"""T2LNetwork: codes in, A and B of every layer and module out; the published network alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.errors import ConfigError
from t2l_fast.generators.parts.heads import Extras, HeadCall
from t2l_fast.generators.parts.trunk import (
    LayerRows,
    TrunkNetwork,
    index_encoder,
    name_of,
    rotate_by_rank,
)
from t2l_fast.generators.text_to_lora.config import T2LConfig
from t2l_fast.generators.text_to_lora.head_calls import head_calls
from t2l_fast.generators.text_to_lora.initialisation import bias_hyperinit


class T2LNetwork(TrunkNetwork):
    """Trunk and heads, with the names that published checkpoints have.

    Args:
        config: its shape.
    """

    config: T2LConfig

    def __init__(self, config: T2LConfig) -> None:
        super().__init__(config)
        self.heads = nn.ModuleDict()
        for m in config.module_shapes:
            head = nn.Linear(config.head_in_size, config.head_width(m), bias=config.head_bias)
            if config.head_bias:
                bias_hyperinit(head, m, config)
            self.heads[name_of(m)] = head
        if config.rank_by_rank and config.rank_positions == "learnable":
            self.pos_emb = index_encoder(config.lora.rank, config.trunk_width)
        if config.offset != "none":
            trained = config.offset == "learnable"
            self.AB_offset = LayerRows(config, trained=trained)
        if config.z_scores:
            self.mean_recon_target = LayerRows(config)
            self.std_recon_target = LayerRows(config, fill=1.0)
        if config.arch != "L":
            self.out_emb = nn.ModuleDict(
                {name_of(m): _Outputs(config) for m in config.module_shapes}
            )
            self.out_emb_norm = nn.LayerNorm(config.trunk_width)

    def latents(self, codes: Tensor) -> Tensor:
        """Compute what the heads read, from codes `[N, d_e]`.

        Returns:
            `[modules, layers, N, h]` for L, `[modules, 2, layers, N, h]` for M (A, then B),
            `[modules, 2, layers, N, rank, h]` for S, `[modules, layers, N, rank, h]` for L with
            `rank_rows`.
        """
        v = self.mlp1(self.mixed(codes))
        if self.config.arch != "L":
            modules: list[Any] = list(self.out_emb.values())
            outputs = torch.stack([torch.stack((each.A, each.B)) for each in modules])
            v = v[:, None] + self.out_emb_norm(outputs)[:, :, None, None]
        return self.mlp3(self._by_rank(v) if self.config.rank_by_rank else self.mlp2(v))

    def pick(self, latents: Tensor, chosen: Sequence[int]) -> Tensor:
        """Select the latents of some of N codes.

        Args:
            latents: what `latents` returned; N is its dimension after the layers.
            chosen: indices below N, in the order of the result.
        """
        index = torch.tensor(chosen, device=latents.device)
        return latents.index_select(2 if self.config.arch == "L" else 3, index)

    def _by_rank(self, v: Tensor) -> Tensor:
        """`[…, m]` → `[…, rank, m]`, in the order of operations of the published code.

        Heads of their own for A and B (L): `mlp2` runs once, after the position of the rank.
        A shared head (S): `mlp2` runs before it too, and a learnable position passes it alone.
        """
        rank = self.config.lora.rank
        if self.config.arch != "L":
            v = self.mlp2(v)
        if self.config.rank_positions == "rotary":
            return self.mlp2(rotate_by_rank(v, rank))
        positions = self.pos_emb(self._indices(rank))
        if self.config.arch == "L":
            return self.mlp2(v.unsqueeze(-2) + positions)
        return v.unsqueeze(-2) + self.mlp2(positions)

    def forward(self, codes: Tensor) -> LoraBatch:
        """Generate adapters of `[N, d_e]` codes for all layers and modules, with their graph.

        Raises:
            ArgumentError: codes of another shape.
        """
        return self.adapters(self.latents(codes))

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Apply the heads to `latents`, or to some of its N (`pick`), with the graph.

        Returns:
            A `[layers, N, rank, in]` and B `[layers, N, rank, out]` by module, B rank-major.
        """
        lora_a: dict[str, Tensor] = {}
        lora_b: dict[str, Tensor] = {}
        for m, own in zip(self.config.module_shapes, latents, strict=True):
            lora_a[m], lora_b[m] = (call.rows() for call in self.calls(m, own))
        paths = self.config.module_paths
        return LoraBatch(self.config.lora, lora_a, lora_b, None if paths is None else dict(paths))

    def z_scores(self, latents: Tensor) -> LoraBatch:
        """Return the heads' predictions before z-scores are undone, without offsets.

        Raises:
            ConfigError: the heads predict adapters themselves.
        """
        if not self.config.z_scores:
            raise ConfigError("z_scores needs a generator with config.z_scores=True, got False")
        calls = {
            m: [replace(call, extras=Extras()) for call in self.calls(m, own)]
            for m, own in zip(self.config.module_shapes, latents, strict=True)
        }
        a, b = ({m: pair[part].rows() for m, pair in calls.items()} for part in (0, 1))
        return LoraBatch(self.config.lora, a, b)

    def calls(
        self, module: str, latents: Tensor, layer: int | None = None
    ) -> tuple[HeadCall, HeadCall]:
        """Return the head calls for A and for B of a module, of all layers or of one.

        Args:
            module: a key of `config.module_shapes`.
            latents: of this module, as `latents` returned them; of one layer, a slice of them.
            layer: whose offsets and statistics apply; None = all layers.
        """
        extras = self._extras(module)
        if layer is not None:
            extras = extras[0].layer(layer), extras[1].layer(layer)
        head: Any = self.heads[name_of(module)]
        return head_calls(self.config, head, module, latents, extras)

    def _extras(self, module: str) -> tuple[Extras, Extras]:
        """Offsets and statistics of A and of B."""
        pairs = [
            rows.of(module) if rows is not None else (None, None)
            for rows in (
                getattr(self, name, None)
                for name in ("AB_offset", "mean_recon_target", "std_recon_target")
            )
        ]
        a, b = (Extras(*(pair[part] for pair in pairs)) for part in (0, 1))
        return a, b

    def cut(self, latents: Tensor) -> dict[tuple[str, int], Tensor]:
        """Split `latents` by (module, layer), without copies, for `deferred`."""
        axis = 0 if self.config.arch == "L" else 1
        return {
            (m, layer): part
            for m, own in zip(self.config.module_shapes, latents.unbind(), strict=True)
            for layer, part in enumerate(own.unbind(axis))
        }

    def deferred(self, latents: dict[tuple[str, int], Tensor]) -> DeferredBatch:
        """Return adapters whose rows are computed when a site needs them.

        Args:
            latents: (module, layer) → what `cut` gives, or leaves of the same shape.
        """
        config = self.config
        axis = 0 if config.arch == "L" else 1

        def make(module: str, layer: int, part: int) -> Tensor:
            own = latents[module, layer].unsqueeze(axis)
            return self.calls(module, own, layer)[part].rows()[0]

        shapes = {m: (config.num_layers, *sizes) for m, sizes in config.module_shapes.items()}
        count = next(iter(latents.values())).shape[axis]
        rest = (p for p in self.parameters() if p.ndim == 3)  # offsets
        sources = (*latents.values(), *self.heads.parameters(), *rest)
        return DeferredBatch(config.lora, shapes, count, make, sources)


class _Outputs(nn.Module):
    """Learned vectors `[m]` that ask M and S for A or for B of one module type."""

    def __init__(self, config: T2LConfig) -> None:
        super().__init__()
        self.A = nn.Parameter(torch.randn(config.trunk_width))
        self.B = nn.Parameter(torch.randn(config.trunk_width))
