"""Zhyper: a trained LoRA that all tasks share, and a hypernetwork that modulates its rank rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Bases, DeferredBatch, LoraBatch
from t2l_fast.encoders import TextEncoder
from t2l_fast.generators.parts.text_generator import TextGenerator
from t2l_fast.generators.parts.trunk import name_of
from t2l_fast.generators.zhyper.config import ZhyperConfig


class Zhyper(TextGenerator):
    """ΔW = Bᵀ · Z(code) · A, with A and B trained per layer and Z of r or r² numbers.

    All adapters lie in the bases A and B, so a slot needs 2·r² numbers per site (`cores`), whatever
    the model's width. A new generator gives a plain LoRA: Z = 1, A ~ U(±1/√in), B = 0.

    Args:
        config: its shape.
        encoder: embeds conditions; None = what `config.encoder` names, loaded at first use.

    Fields:
        lora_a: A of each module type, `[layers, rank, in]`.
        lora_b: B of each module type, `[layers, rank, out]`.
        heads: `[N, h]` → Z of each module type.
    """

    kind: ClassVar[str] = "zhyper"  # pyright: ignore
    config_class = ZhyperConfig
    config: ZhyperConfig
    defers: ClassVar[bool] = True

    def __init__(self, config: ZhyperConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__(config, encoder=encoder)
        rank, layers = config.lora.rank, config.num_layers
        ones = torch.eye(rank).flatten() if config.modulation == "full" else torch.ones(rank)
        self.lora_a, self.lora_b = nn.ParameterDict(), nn.ParameterDict()
        self.heads = nn.ModuleDict()
        for m, (size_in, size_out) in config.module_shapes.items():
            bound = 1.0 / math.sqrt(size_in)
            a = torch.empty(layers, rank, size_in).uniform_(-bound, bound)
            self.lora_a[name_of(m)] = nn.Parameter(a)
            self.lora_b[name_of(m)] = nn.Parameter(torch.zeros(layers, rank, size_out))
            head = nn.Linear(config.head_in_size, config.head_width)
            with torch.no_grad():
                head.weight.zero_()
                head.bias.copy_(ones)
            self.heads[name_of(m)] = head

    def latents(self, codes: Tensor) -> Tensor:
        """Return `[modules, layers, N, h]` of codes `[N, d_e]`: what the heads read.

        Raises:
            ArgumentError: codes of another shape.
        """
        return self.mlp3(self.mlp2(self.mlp1(self.mixed(codes))))

    def pick(self, latents: Tensor, chosen: Sequence[int]) -> Tensor:
        """Select the latents of some of N codes.

        Args:
            latents: `[modules, layers, N, h]`.
            chosen: indices below N, in the order of the result.
        """
        return latents.index_select(2, torch.tensor(chosen, device=latents.device))

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Return A' = Z·A and B of every layer and module, with their graph.

        Args:
            latents: `[modules, layers, N, h]`.

        Returns:
            A' `[layers, N, rank, in]` and B `[layers, N, rank, out]`, B shared by all N.
        """
        lora_a, lora_b = {}, {}
        for m, z in self._modulations(latents).items():
            a, b = self.lora_a[name_of(m)], self.lora_b[name_of(m)]
            lora_a[m] = self._modulated(z, a[:, None])
            lora_b[m] = b[:, None].expand(-1, z.shape[1], -1, -1)
        paths = self.config.module_paths
        return LoraBatch(self.config.lora, lora_a, lora_b, None if paths is None else dict(paths))

    def cut(self, latents: Tensor) -> dict[tuple[str, int], Tensor]:
        """Return latents `[N, h]` by (module, layer), without copies: what `deferred` reads."""
        return {
            (m, layer): rows
            for m, own in zip(self.config.module_shapes, latents.unbind(), strict=True)
            for layer, rows in enumerate(own.unbind())
        }

    def deferred(self, latents: dict[tuple[str, int], Tensor]) -> DeferredBatch:
        """Return adapters that are recomputed where a site reads them.

        Args:
            latents: (module, layer) → what `cut` gives, or leaves of the same shape.
        """
        config = self.config

        def make(module: str, layer: int, part: int) -> Tensor:
            rows = latents[module, layer]
            if part == 1:
                return self.lora_b[name_of(module)][layer].expand(len(rows), -1, -1)
            return self._modulated(self._head(module, rows), self.lora_a[name_of(module)][layer])

        shapes = {m: (config.num_layers, *sizes) for m, sizes in config.module_shapes.items()}
        count = len(next(iter(latents.values())))
        trained = (*self.heads.parameters(), *self.lora_a.values(), *self.lora_b.values())
        return DeferredBatch(config.lora, shapes, count, make, (*latents.values(), *trained))

    def _modulated(self, z: Tensor, a: Tensor) -> Tensor:
        """Return Z·A: `[…, rank, in]` of Z `[…, rank]` or `[…, rank, rank]`."""
        return z @ a if self.config.modulation == "full" else z.unsqueeze(-1) * a

    def _head(self, module: str, rows: Tensor) -> Tensor:
        """Return Z of one module type, `[…, rank]` or `[…, rank, rank]`, for latents `[…, h]`."""
        rank = self.config.lora.rank
        shape = (rank, rank) if self.config.modulation == "full" else (rank,)
        return self.heads[name_of(module)](rows).unflatten(-1, shape)

    def _modulations(self, latents: Tensor) -> dict[str, Tensor]:
        """Return Z by module: `[layers, N, rank]` or `[layers, N, rank, rank]`."""
        pairs = zip(self.config.module_shapes, latents, strict=True)
        return {m: self._head(m, rows) for m, rows in pairs}

    @torch.no_grad()
    def bases(self) -> Bases:
        """Return A and B, which all adapters share."""
        keys = self.config.module_shapes
        a, b = ({m: part[name_of(m)].detach() for m in keys} for part in (self.lora_a, self.lora_b))
        return Bases(a, b, self.fingerprint)

    @torch.no_grad()
    def cores(self, codes: Tensor) -> LoraBatch:
        """Return Z as `core_a` and the identity as `core_b`, `[layers, N, rank, rank]` each.

        Raises:
            ArgumentError: codes of another shape.
        """
        with self.inference():
            modulations = self._modulations(self.latents(codes))
        full = self.config.modulation == "full"
        core_a = {m: z if full else torch.diag_embed(z) for m, z in modulations.items()}
        core_b = {m: torch.eye(t.shape[-1]).to(t).expand_as(t) for m, t in core_a.items()}
        return LoraBatch(self.config.lora, core_a, core_b)

    @torch.no_grad()
    def generate(
        self, conditions: Sequence[str] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        """Generate adapters for inference; shared bases are detached from their parameters."""
        batch = super().generate(conditions, codes=codes)
        # views of a parameter require grad even here
        lora_b = {m: t.detach() for m, t in batch.lora_b.items()}
        return replace(batch, lora_b=lora_b)

    def is_head(self, name: str) -> bool:
        """Return whether a parameter is a head's, or one of A and B."""
        return name.startswith(("heads.", "lora_a.", "lora_b."))

    def head_linears(self) -> Mapping[str, nn.Linear]:
        """Return the heads of generators that read texts."""
        return {} if self.config.task_names else dict(self.heads.items())  # pyright: ignore

    def head_inputs(self, latents: Tensor) -> Mapping[str, Tensor]:
        """Split `latents` by module: what each module's head reads.

        Returns:
            module → `[layers, N, h]`.
        """
        return dict(zip(self.heads, latents, strict=True))
