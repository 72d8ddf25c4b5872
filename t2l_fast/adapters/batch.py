"""LoraBatch: N adapters of one config, stacked for one forward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from t2l_fast.adapters.peft_format import Origin
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights, check_pairs
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, ArgumentError


@dataclass(frozen=True)
class LoraBatch:
    """N adapters of one config; a slab with N slots, and what generators return (with its graph).

    Fields:
        config: rank and scale of all of them.
        lora_a: key → `[layers, N, rank, in]`.
        lora_b: key → `[layers, N, rank, out]`.
        paths, origin: as in `LoraWeights`.
    """

    config: LoraConfig
    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    paths: dict[str, tuple[str, ...]] | None = None
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        check_pairs(self.lora_a, self.lora_b, self.config.rank, "[layers, N, rank, features]", 2)

    @classmethod
    def init(
        cls, config: LoraConfig, sites: dict[str, list[Site]], num_adapters: int, *, seed: int = 0
    ) -> LoraBatch:
        """Return fresh fp32 adapters that require grad: A ~ U(±1/√in), B = 0, as in PEFT."""
        generator = torch.Generator().manual_seed(seed)
        lora_a, lora_b = {}, {}
        for m, group in sites.items():
            bound = 1.0 / math.sqrt(group[0].in_features)
            shape = (len(group), num_adapters, config.rank)
            a = torch.empty(*shape, group[0].in_features).uniform_(
                -bound, bound, generator=generator
            )
            lora_a[m] = a.requires_grad_()
            lora_b[m] = torch.zeros(*shape, group[0].out_features, requires_grad=True)
        paths = {m: tuple(s.path for s in group) for m, group in sites.items()}
        return cls(config, lora_a, lora_b, paths)

    @classmethod
    def stack(cls, adapters: Sequence[LoraWeights], *, names: Sequence[str] = ()) -> LoraBatch:
        """Stack adapters of one rank, scale and shape, on the same modules.

        Ranks and scales that differ between layers are folded into B.

        The order of their targets and their dropout may differ, since neither changes what they
        compute; the config is the first one's.

        Args:
            names: of the adapters, for errors; none = their numbers.

        Raises:
            AdapterMismatch: they differ, one is DoRA, or one is not checked against its base model
                yet (`LoraWeights.for_model`).
        """
        if any(w.copies for w in adapters):
            raise AdapterMismatch(
                "an adapter's file holds copies of base weights, which must be the model's own: "
                "take it through for_model(model) first"
            )
        adapters = [w.uniform() for w in adapters]
        first = adapters[0]
        paths = next((w.paths for w in adapters if w.paths is not None), None)
        for index, other in enumerate(adapters):
            pairs = zip(_shared(first, paths), _shared(other, paths), strict=False)
            for (what, mine), (_, its) in pairs:
                if mine != its:
                    one, another = (names[0], names[index]) if names else ("0", str(index))
                    raise AdapterMismatch(
                        f"a LoraBatch stacks adapters of one {what}, got {mine} of adapter {one} "
                        f"and {its} of adapter {another}: leave one out, or train it again"
                    )
        lora_a = {m: torch.stack([w.lora_a[m] for w in adapters], 1) for m in first.lora_a}
        lora_b = {m: torch.stack([w.lora_b[m] for w in adapters], 1) for m in first.lora_b}
        return cls(first.config, lora_a, lora_b, paths, first.origin)

    def __len__(self) -> int:
        return next(iter(self.lora_a.values())).shape[1]

    def to(self, device: torch.device | str) -> LoraBatch:
        """Return the same adapters on a device."""
        lora_a, lora_b = (
            {m: t.to(device) for m, t in part.items()} for part in (self.lora_a, self.lora_b)
        )
        return LoraBatch(self.config, lora_a, lora_b, self.paths, self.origin)

    @property
    def module_shapes(self) -> dict[str, tuple[int, int, int]]:
        """Return key → (layers, in, out)."""
        return {
            m: (a.shape[0], a.shape[3], self.lora_b[m].shape[3]) for m, a in self.lora_a.items()
        }

    def __getitem__(self, index: int) -> LoraWeights:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} adapters")
        lora_a = {m: t[:, index] for m, t in self.lora_a.items()}
        lora_b = {m: t[:, index] for m, t in self.lora_b.items()}
        return LoraWeights(self.config, lora_a, lora_b, self.paths, origin=self.origin)

    def __iter__(self) -> Iterator[LoraWeights]:
        return (self[i] for i in range(len(self)))

    def parameters(self) -> list[Tensor]:
        """Return all tensors, A before B of each key, for an optimiser."""
        return [t for m in self.lora_a for t in (self.lora_a[m], self.lora_b[m])]

    def weighted_sum(self, coefficients: Tensor) -> LoraBatch:
        """Return M mixtures of the N adapters: exact, differentiable, of rank N·r.

        Args:
            coefficients: `[M, N]`.

        Raises:
            ArgumentError: `coefficients` has another shape.
        """
        if coefficients.dim() != 2 or coefficients.shape[1] != len(self):
            raise ArgumentError(
                f"coefficients must have shape [M, N]=(*, {len(self)}), "
                f"got {tuple(coefficients.shape)}"
            )
        mixtures = coefficients.shape[0]
        rank = len(self) * self.config.rank
        config = replace(self.config, rank=rank, alpha=float(rank), use_rslora=False)
        lora_a = {
            m: a.flatten(1, 2).unsqueeze(1).expand(-1, mixtures, -1, -1)
            for m, a in self.lora_a.items()
        }
        factors = (coefficients * self.config.scaling)[None, :, :, None, None]
        lora_b = {m: (factors * b.unsqueeze(1)).flatten(2, 3) for m, b in self.lora_b.items()}
        return LoraBatch(config, lora_a, lora_b, self.paths, self.origin)


def _shared(
    weights: LoraWeights, paths: dict[str, tuple[str, ...]] | None
) -> Iterator[tuple[str, object]]:
    """Yield what the adapters of a batch have in common; unknown paths count as `paths`."""
    yield "rank", weights.config.rank
    yield "scale", weights.config.scaling
    yield "set of modules", sorted(weights.lora_a)
    known = weights.paths or paths or {}
    for m in sorted(weights.lora_a):
        a, b = weights.lora_a[m], weights.lora_b[m]
        yield f"(layers, in, out) of {m}", (a.shape[0], a.shape[2], b.shape[2])
        for layer in range(a.shape[0]):
            yield f"path of {m} in layer {layer}", known.get(m, ())[layer : layer + 1]
