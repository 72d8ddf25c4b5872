"""LoraWeights: one adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast.adapters import merge, peft_format
from t2l_fast.adapters.sites import Site, find_sites
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
        check_pairs(self.lora_a, self.lora_b, self.config.rank, "[layers, rank, features]", 1)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> LoraWeights:
        """Read a PEFT folder (`adapter_config.json`, `adapter_model.safetensors`).

        Raises:
            AdapterFormatError: a file is missing or damaged, or its tensors don't form LoRA pairs.
            ConfigError: the adapter uses a PEFT feature that is not run here.
        """
        return cls(*peft_format.read(Path(folder)))

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
        named = self.paths if paths is None else paths
        peft_format.write(self.config, self.lora_a, self.lora_b, named, Path(folder))

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
        self._merge(model, 1.0)

    def unmerge_from(self, model: nn.Module) -> None:
        """Take `merge_into` back, exact up to the rounding of the weights' dtype."""
        self._merge(model, -1.0)

    def _merge(self, model: nn.Module, sign: float) -> None:
        targets = self.config.target_modules
        if self.paths is not None:
            targets = [p for paths in self.paths.values() for p in paths]
        sites = find_sites(model, targets)
        fitted = self.for_sites(sites)
        merge.add(fitted.lora_a, fitted.lora_b, sites, model, sign * self.config.scaling)

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


def check_pairs(
    lora_a: dict[str, Tensor], lora_b: dict[str, Tensor], rank: int, dims: str, rank_dim: int
) -> None:
    """Raise AdapterMismatch unless A and B pair up, with the rank at `rank_dim`."""
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
