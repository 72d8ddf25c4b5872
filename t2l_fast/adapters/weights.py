"""LoraWeights: one adapter. LoraBatch: N of one config, stacked for one forward pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast.adapters.sites import Site
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, ArgumentError


@dataclass(frozen=True)
class LoraWeights:
    """One adapter; both matrices rank-major (PEFT files hold B transposed).

    Fields:
        config: rank and scale.
        lora_a: key → `[layers, rank, in]`.
        lora_b: key → `[layers, rank, out]`.
        paths: key → module path of every layer, or None where not known yet.
    """

    config: LoraConfig
    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    paths: dict[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        _check_pairs(self.lora_a, self.lora_b, self.config.rank, "[layers, rank, features]", 1)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> LoraWeights:
        """Read a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`).

        Raises:
            AdapterFormatError: a file is missing or damaged, or its tensors don't form LoRA pairs.
            ConfigError: the adapter uses a PEFT feature that is not run here.
        """
        from t2l_fast.adapters import peft_io

        return peft_io.read(Path(folder))

    def save_pretrained(
        self, folder: str | Path, *, paths: dict[str, tuple[str, ...]] | None = None
    ) -> None:
        """Write a PEFT folder; both files appear whole or not at all.

        Args:
            paths: key → module paths, where the weights don't know them.

        Raises:
            AdapterMismatch: no module paths are known.
            OSError: the folder can't be written.
        """
        from t2l_fast.adapters import peft_io

        peft_io.write(replace(self, paths=paths) if paths is not None else self, Path(folder))

    def for_sites(self, sites: dict[str, list[Site]]) -> LoraWeights:
        """The same adapter keyed and ordered as `sites`, with their paths.

        Raises:
            AdapterMismatch: a module is not among the sites, covers only some layers, or has
                another shape.
        """
        if self.paths is None:
            paths = {m: tuple(s.path for s in sites[m]) for m in self.lora_a if m in sites}
            matched = replace(self, paths=paths)
        else:
            matched = self._rekeyed(sites)
        for m, a in matched.lora_a.items():
            if m not in sites:
                raise AdapterMismatch(
                    f"the adapter's modules must be among the sites {sorted(sites)}, got {m!r}: "
                    "attach with a LoraConfig whose target_modules cover it"
                )
            site = sites[m][0]
            wanted = (len(sites[m]), site.in_features, site.out_features)
            got = (a.shape[0], a.shape[2], matched.lora_b[m].shape[2])
            if wanted != got:
                raise AdapterMismatch(
                    f"{m} must have (layers, in, out)={wanted} for this model, got {got}"
                )
        return matched

    def _rekeyed(self, sites: dict[str, list[Site]]) -> LoraWeights:
        assert self.paths is not None
        place = {path: (m, i) for m, paths in self.paths.items() for i, path in enumerate(paths)}
        lora_a: dict[str, Tensor] = {}
        lora_b: dict[str, Tensor] = {}
        for key, group in sites.items():
            found = [place.pop(site.path, None) for site in group]
            if not any(found):
                continue
            absent = [s.path for s, f in zip(group, found, strict=True) if f is None]
            if absent:
                raise AdapterMismatch(
                    f"an adapter must cover all {len(group)} layers of {key}, got none for "
                    f"{absent[0]} (and {len(absent) - 1} more)"
                )
            pairs = [f for f in found if f is not None]
            shapes = {self.lora_a[m].shape[2:] + self.lora_b[m].shape[2:] for m, _ in pairs}
            if len(shapes) > 1:
                raise AdapterMismatch(f"the layers of {key} must have one shape, got {shapes}")
            lora_a[key] = torch.stack([self.lora_a[m][i] for m, i in pairs])
            lora_b[key] = torch.stack([self.lora_b[m][i] for m, i in pairs])
        if place:
            raise AdapterMismatch(
                f"the adapter's modules must be among the attached sites, got {next(iter(place))} "
                f"(and {len(place) - 1} more): attach with target_modules that cover them"
            )
        paths = {m: tuple(s.path for s in sites[m]) for m in lora_a}
        return LoraWeights(self.config, lora_a, lora_b, paths)

    def merge_into(self, model: nn.Module) -> None:
        """Add `scaling · Bᵀ A` to the model's own weights, in place.

        Raises:
            AdapterMismatch: the adapter doesn't fit the model.
            UnsupportedModel: a weight is quantised.
        """
        from t2l_fast.adapters import merge

        merge.add(self, model, 1.0)

    def unmerge_from(self, model: nn.Module) -> None:
        """Take `merge_into` back, exact up to the rounding of the weights' dtype."""
        from t2l_fast.adapters import merge

        merge.add(self, model, -1.0)

    @property
    def num_bytes(self) -> int:
        tensors = (*self.lora_a.values(), *self.lora_b.values())
        return sum(t.numel() * t.element_size() for t in tensors)

    @staticmethod
    def weighted_sum(adapters: Sequence[LoraWeights], coefficients: Sequence[float]) -> LoraWeights:
        """Σ coefficient · ΔW, exact: the ranks are concatenated and the scales folded into B.

        Raises:
            AdapterMismatch: the adapters cover different modules or layers.
            ArgumentError: none given, or not one coefficient each.
        """
        if not adapters or len(adapters) != len(coefficients):
            raise ArgumentError(
                "weighted_sum needs one coefficient per adapter and at least one adapter, "
                f"got {len(adapters)} adapters and {len(coefficients)} coefficients"
            )
        first = adapters[0]
        for other in adapters[1:]:
            if other.lora_a.keys() != first.lora_a.keys() or other.paths != first.paths:
                raise AdapterMismatch(
                    "the adapters of a weighted sum must cover the same modules, got "
                    f"{sorted(first.lora_a)} and {sorted(other.lora_a)}"
                )
        rank = sum(w.config.rank for w in adapters)
        config = replace(first.config, rank=rank, alpha=float(rank), use_rslora=False)
        factors = [c * w.config.scaling for w, c in zip(adapters, coefficients, strict=True)]
        lora_a = {m: torch.cat([w.lora_a[m] for w in adapters], 1) for m in first.lora_a}
        lora_b = {
            m: torch.cat([f * w.lora_b[m] for w, f in zip(adapters, factors, strict=True)], 1)
            for m in first.lora_b
        }
        return LoraWeights(config, lora_a, lora_b, first.paths)


@dataclass(frozen=True)
class LoraBatch:
    """N adapters of one config; a slab with N slots, and what generators return (with its graph).

    Fields:
        config: rank and scale of all of them.
        lora_a: key → `[layers, N, rank, in]`.
        lora_b: key → `[layers, N, rank, out]`.
        paths: as in `LoraWeights`.
    """

    config: LoraConfig
    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    paths: dict[str, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        _check_pairs(self.lora_a, self.lora_b, self.config.rank, "[layers, N, rank, features]", 2)

    @classmethod
    def init(
        cls, config: LoraConfig, sites: dict[str, list[Site]], num_adapters: int, *, seed: int = 0
    ) -> LoraBatch:
        """Fresh adapters, fp32, requiring grad: A ~ U(±1/√in), B = 0, as PEFT initialises them."""
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

        The order of their targets and their dropout may differ, since neither changes what they
        compute; the config is the first one's.

        Args:
            names: of the adapters, for errors; none = their numbers.

        Raises:
            AdapterMismatch: they differ.
        """
        first = adapters[0]
        paths = next((w.paths for w in adapters if w.paths is not None), None)
        for index, other in enumerate(adapters):
            pairs = zip(_shared(first, paths), _shared(other, paths), strict=False)
            for (what, mine), (_, its) in pairs:
                if mine != its:
                    one, another = (names[0], names[index]) if names else ("0", str(index))
                    raise AdapterMismatch(
                        f"a LoraBatch stacks adapters of one {what}, got {mine} of adapter {one} "
                        f"and {its} of adapter {another}: leave one out, or make it anew"
                    )
        lora_a = {m: torch.stack([w.lora_a[m] for w in adapters], 1) for m in first.lora_a}
        lora_b = {m: torch.stack([w.lora_b[m] for w in adapters], 1) for m in first.lora_b}
        return cls(first.config, lora_a, lora_b, paths)

    def __len__(self) -> int:
        return next(iter(self.lora_a.values())).shape[1]

    def to(self, device: torch.device | str) -> LoraBatch:
        """The same adapters on a device."""
        lora_a, lora_b = (
            {m: t.to(device) for m, t in part.items()} for part in (self.lora_a, self.lora_b)
        )
        return LoraBatch(self.config, lora_a, lora_b, self.paths)

    @property
    def module_shapes(self) -> dict[str, tuple[int, int, int]]:
        """Key → (layers, in, out)."""
        return {
            m: (a.shape[0], a.shape[3], self.lora_b[m].shape[3]) for m, a in self.lora_a.items()
        }

    def __getitem__(self, index: int) -> LoraWeights:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} adapters")
        lora_a = {m: t[:, index] for m, t in self.lora_a.items()}
        lora_b = {m: t[:, index] for m, t in self.lora_b.items()}
        return LoraWeights(self.config, lora_a, lora_b, self.paths)

    def __iter__(self) -> Iterator[LoraWeights]:
        return (self[i] for i in range(len(self)))

    def parameters(self) -> list[Tensor]:
        """All tensors, A before B of each key, for an optimiser."""
        return [t for m in self.lora_a for t in (self.lora_a[m], self.lora_b[m])]

    def weighted_sum(self, coefficients: Tensor) -> LoraBatch:
        """M mixtures of the N adapters, `coefficients` `[M, N]`: exact, differentiable, rank N·r.

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
        return LoraBatch(config, lora_a, lora_b, self.paths)


def _shared(
    weights: LoraWeights, paths: dict[str, tuple[str, ...]] | None
) -> Iterator[tuple[str, object]]:
    """What the adapters of a batch have in common; unknown paths count as `paths`."""
    yield "rank", weights.config.rank
    yield "scale", weights.config.scaling
    yield "set of modules", sorted(weights.lora_a)
    known = weights.paths or paths or {}
    for m in sorted(weights.lora_a):
        a, b = weights.lora_a[m], weights.lora_b[m]
        yield f"(layers, in, out) of {m}", (a.shape[0], a.shape[2], b.shape[2])
        for layer in range(a.shape[0]):
            yield f"path of {m} in layer {layer}", known.get(m, ())[layer : layer + 1]


def _check_pairs(
    lora_a: dict[str, Tensor], lora_b: dict[str, Tensor], rank: int, dims: str, rank_dim: int
) -> None:
    if not lora_a or lora_a.keys() != lora_b.keys():
        raise AdapterMismatch(
            "lora_a and lora_b must hold the same modules, at least one, got "
            f"{sorted(lora_a)} and {sorted(lora_b)}"
        )
    for m, a in lora_a.items():
        b = lora_b[m]
        fits = a.dim() == b.dim() == rank_dim + 2 and a.shape[:-1] == b.shape[:-1]
        if not fits or a.shape[rank_dim] != rank or a.dtype != b.dtype:
            raise AdapterMismatch(
                f"lora_a and lora_b of {m} must be {dims} of rank {rank} and one dtype, got "
                f"{tuple(a.shape)} {a.dtype} and {tuple(b.shape)} {b.dtype}"
            )
