"""LoRA: slots that hold A and B, and the delta that they add."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.kinds.base import Delta, NoDelta
from t2l_fast.adapters.kinds.delta import LoraDelta
from t2l_fast.adapters.kinds.embedding import EmbeddingDelta
from t2l_fast.adapters.kinds.matrices import MatrixSlots, empty_slots
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch


@dataclass(frozen=True)
class LoraSlab(MatrixSlots):
    """Slots that hold A and B of any adapter.

    Fields:
        lora_a: key → `[layers, slots, rank_max, in]`; rows at or beyond the live rank are never
            read.
        lora_b: key → `[layers, slots, rank_max, out]`.
        ranks: key → `[layers, slots]` int32; 0 = the slot's adapter doesn't touch this layer.
        scalings: key → `[layers, slots]` fp32.
        deltas: (key, layer) → what its hook applies, as `delta` gave it out.
    """

    deltas: dict[tuple[str, int], LoraDelta] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def allocate(
        cls,
        sites: dict[str, list[Site]],
        num_slots: int,
        rank_max: int,
        dtype: torch.dtype,
        *,
        bases: Bases | None = None,
    ) -> LoraSlab:
        """Return empty slots on the device of each key's sites; A and B need no bases."""
        widths = {m: (g[0].in_features, g[0].out_features) for m, g in sites.items()}
        return cls(*empty_slots(sites, widths, num_slots, rank_max, dtype))

    @property
    def holds_weights(self) -> bool:
        """True: weights can be written."""
        return True

    def delta(self, site: Site) -> Delta:
        """Return what the hook of a site applies."""
        if site.key not in self.ranks:
            return NoDelta()
        key, layer = site.key, site.layer
        a, b = self.lora_a[key][layer], self.lora_b[key][layer]
        kind = EmbeddingDelta if site.is_embedding else LoraDelta
        delta = kind(a, b, self.scalings[key][layer], self.ranks[key][layer], site)
        self.deltas[key, layer] = delta
        return delta

    def fill(self, generator: AdapterGenerator, codes: Tensor, slots: Tensor) -> None:
        """Put the adapter of code i `[N, *code_shape]` into `slots[i]`."""
        generator.generate_into(codes, self, slots)

    def own_form(self, generator: AdapterGenerator, codes: Tensor) -> LoraBatch:
        """Return the A and B of `[N, *code_shape]` codes."""
        return generator.generate(codes=codes)

    def write_own(self, weights: LoraWeights, slot: int) -> None:
        """Put one adapter into `slot`, as `write`."""
        self.write(weights, slot)

    def check_generator(self, fingerprint: str | None) -> None:
        """Pass: A and B of any generator fit."""

    def check_weights(self) -> None:
        """Pass: weights can be written."""

    def write(self, weights: LoraWeights, slot: int) -> None:
        """Put one adapter, keyed as the slab, into `slot`; modules it lacks get rank 0.

        Raises:
            AdapterMismatch: rank above `rank_max`, an unknown module, or magnitudes (DoRA) that
                don't fit the base weights or slots that are not attached.
            UseError: the first magnitudes come after a CUDA graph was captured.
        """
        batched = LoraBatch(
            weights.config,
            {m: t.unsqueeze(1) for m, t in weights.lora_a.items()},
            {m: t.unsqueeze(1) for m, t in weights.lora_b.items()},
        )
        self.write_batch(batched, torch.tensor([slot]))
        for part, values in ((self.ranks, weights.ranks), (self.scalings, weights.scalings)):
            for m, row in (values or {}).items():
                part[m][:, slot] = torch.tensor(row, dtype=part[m].dtype)
        if weights.magnitudes is not None:
            self._write_magnitudes(weights, slot)

    @torch.no_grad()
    def _write_magnitudes(self, weights: LoraWeights, slot: int) -> None:
        assert weights.magnitudes is not None
        for m, magnitudes in weights.magnitudes.items():
            layers = zip(weights.ranks_of(m), weights.scalings_of(m), strict=True)
            for layer, (rank, scaling) in enumerate(layers):
                if (m, layer) not in self.deltas:
                    raise AdapterMismatch("DoRA runs on attached slots alone: use attach()")
                if rank:
                    a, b = (part[m][layer, :rank] for part in (weights.lora_a, weights.lora_b))
                    gains = self.deltas[m, layer].set_magnitude(
                        slot, a, b, scaling, magnitudes[layer]
                    )
                    scaled = b.to(gains.device, gains.dtype) * gains
                    self.lora_b[m][layer, slot, :rank] = scaled.to(self.dtype)

    @torch.no_grad()
    def write_batch(self, batch: LoraBatch, slots: Tensor) -> None:
        """Put adapter i into `slots[i]` (`[N]` integers); −1 skips one.

        Raises:
            AdapterMismatch: as for `write`, or not one slot per adapter.
        """
        self.check_fits(batch.config.rank, batch.lora_a, slots, len(batch))
        self._put(batch, slots)

    def check_fits(self, rank: int, modules: Iterable[str], slots: Tensor, adapters: int) -> None:
        """Raise unless adapters of this rank on these modules fit `slots`.

        Raises:
            AdapterMismatch: rank above `rank_max`, an unknown module, or not one slot per adapter.
        """
        self._check_sizes(rank, modules, slots, adapters)

    def mark(self, config: LoraConfig, modules: Iterable[str], slots: Tensor) -> None:
        """Set live rank and scale of slots that were filled; other modules get rank 0 there."""
        super().mark(config, modules, slots)
        self._drop_gains(slots[slots >= 0].long())

    def clear(self, slots: Tensor) -> None:
        """Make slots empty: whatever runs them gets the base model."""
        super().clear(slots)
        self._drop_gains(slots.long())

    def _drop_gains(self, slots: Tensor) -> None:
        for delta in self.deltas.values():
            if delta.gains is not None:
                delta.gains.drop(slots)
