"""LoraWeights: one adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast.adapters import merge, peft_format
from t2l_fast.adapters.peft_format import BaseCopy, Origin
from t2l_fast.adapters.peft_format.hub import local_folder
from t2l_fast.adapters.peft_format.writer import ModuleWeights
from t2l_fast.adapters.placing import Place, newer_paths, places
from t2l_fast.adapters.sites import Site, find_sites
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, ArgumentError


@dataclass(frozen=True)
class LoraWeights:
    """One adapter; both matrices rank-major (PEFT files hold B transposed).

    Fields:
        config: rank (the largest of all layers) and scale.
        lora_a: key → `[layers, rank, in]`.
        lora_b: key → `[layers, rank, out]`.
        paths: key → module path of every layer, or None where not known yet.
        ranks: key → live rank of every layer, 0 where the adapter has no weights; rows beyond it
            are zero. None = `config.rank` everywhere.
        scalings: key → scale of every layer. None = `config.scaling` everywhere.
        magnitudes: key → `[layers, out]`, of DoRA (Liu et al. 2024). None = plain LoRA.
        copies: base parameter → what a copy of it in the adapter's file is compared by; `for_model`
            checks it.
        origin: base model and task, as PEFT notes them.
        embeddings: keys whose modules are embeddings; A then is `[layers, rank, num_embeddings]`.
    """

    config: LoraConfig
    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    paths: dict[str, tuple[str, ...]] | None = None
    ranks: dict[str, tuple[int, ...]] | None = None
    scalings: dict[str, tuple[float, ...]] | None = None
    magnitudes: dict[str, Tensor] | None = None
    copies: dict[str, BaseCopy] | None = None
    origin: Origin = Origin()
    embeddings: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_pairs(self.lora_a, self.lora_b, self.config.rank, "[layers, rank, features]", 1)

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, revision: str | None = None) -> LoraWeights:
        """Read a PEFT folder (`adapter_config.json`, `adapter_model.safetensors` or `.bin`).

        Args:
            folder: a folder, or `owner/name` on the Hugging Face hub.
            revision: branch, tag or commit on the hub.

        Raises:
            AdapterFormatError: a file is missing or damaged, or its tensors don't form LoRA pairs.
            ConfigError: the adapter uses a PEFT feature that is not run here.
        """
        return cls(*peft_format.read(local_folder(folder, revision)))

    def save_pretrained(
        self, folder: str | Path, *, paths: dict[str, tuple[str, ...]] | None = None
    ) -> None:
        """Write a PEFT folder; both files appear whole or not at all.

        Args:
            paths: key → module paths, where the weights don't know them.

        Raises:
            AdapterMismatch: no module paths are known, or only some modules have magnitudes. Or its
                file has biases that no model was compared with.
            OSError: the folder can't be written.
        """
        named = self.paths if paths is None else paths
        if named is None or not self.lora_a.keys() <= named.keys():
            raise AdapterMismatch(
                "a PEFT folder needs module paths, got none for these weights: pass paths=, or "
                "take the weights through for_sites(adapters.sites) first"
            )
        biases = [name for name in self.copies or {} if name.endswith(".bias")]
        if biases:
            raise AdapterMismatch(
                f"biases in an adapter's file must be the base model's own, got {biases[0]} that "
                "no model was compared with: take the weights through for_model(model) first"
            )
        modules: list[ModuleWeights] = []
        for m, a in self.lora_a.items():
            if len(named[m]) != a.shape[0]:
                raise AdapterMismatch(
                    f"{m} needs {a.shape[0]} paths, one per layer, got {len(named[m])}"
                )
            ranks, scalings = self.ranks_of(m), self.scalings_of(m)
            magnitudes = (self.magnitudes or {}).get(m)
            modules += [
                ModuleWeights(
                    path,
                    a[i, : ranks[i]],
                    self.lora_b[m][i, : ranks[i]],
                    scalings[i],
                    None if magnitudes is None else magnitudes[i],
                    m in self.embeddings,
                )
                for i, path in enumerate(named[m])
                if ranks[i]
            ]
        whole = all(all(self.ranks_of(m)) for m in self.lora_a)
        peft_format.write(self.config, modules, whole, self.origin, Path(folder))

    def ranks_of(self, key: str) -> tuple[int, ...]:
        """Return the live rank of every layer of a key."""
        return (self.config.rank,) * len(self.lora_a[key]) if not self.ranks else self.ranks[key]

    def scalings_of(self, key: str) -> tuple[float, ...]:
        """Return the scale of every layer of a key."""
        usual = (self.config.scaling,) * len(self.lora_a[key])
        return usual if not self.scalings else self.scalings[key]

    def for_model(self, model: nn.Module) -> LoraWeights:
        """Return the same adapter with the model's present module paths, checked against it.

        Raises:
            AdapterMismatch: the file holds copies of base weights that differ from the model's.
        """
        names = [path for group in (self.paths or {}).values() for path in group]
        names += [name.rpartition(".")[0] for name in self.copies or {}]
        moved = newer_paths(model, names)
        for name, copy in (self.copies or {}).items():
            module, _, parameter = name.rpartition(".")
            module = moved.get(module, module)
            try:
                weight = model.get_parameter(f"{module}.{parameter}")
            except AttributeError:
                weight = None
            if weight is None or not copy.equals(weight):
                there = "none" if weight is None else f"another of shape {tuple(weight.shape)}"
                raise AdapterMismatch(
                    f"the adapter's file holds {name} of shape {copy.shape}, which must be the "
                    f"base model's own, got {there}: it was trained or resized with the adapter, "
                    "so load the base model that PEFT saved with it, or merge it with PEFT"
                )
        paths = self.paths and {
            m: tuple(moved.get(path, path) for path in group) for m, group in self.paths.items()
        }
        return replace(self, paths=paths, copies=None)

    def for_sites(
        self, sites: dict[str, list[Site]], *, exclude: Sequence[str] | str = ()
    ) -> LoraWeights:
        """Return the same adapter keyed and ordered as `sites`, with their paths.

        Layers that the adapter has no weights for get rank 0.

        Args:
            exclude: modules of the adapter to drop, as in `find_sites`.

        Raises:
            AdapterMismatch: a module is not among the sites or has another shape, or a site that
                the adapter's own target modules pick has no weights.
        """
        if self.paths is None:
            paths = {m: tuple(s.path for s in sites[m]) for m in self.lora_a if m in sites}
            matched = replace(self, paths=paths)
        else:
            targets = self.config.target_modules
            matched = self._rekeyed(sites, places(self.paths, sites, targets, exclude))
        for m, a in matched.lora_a.items():
            if m not in sites:
                raise AdapterMismatch(
                    f"the adapter's modules must be among the sites {sorted(sites)}, got {m!r}: "
                    "attach with a LoraConfig whose target_modules cover it"
                )
            site = sites[m][0]
            if m in matched.embeddings and not site.is_embedding:
                raise AdapterMismatch(
                    f"the adapter has an embedding at {site.path}, which must be one in the model, "
                    f"got a {type(site.module).__name__}"
                )
            wanted = (len(sites[m]), site.in_features, site.out_features)
            got = (a.shape[0], a.shape[2], matched.lora_b[m].shape[2])
            if wanted != got:
                raise AdapterMismatch(
                    f"{m} must have (layers, in, out)={wanted} for this model, got {got}"
                )
        embeddings = frozenset(m for m in matched.lora_a if sites[m][0].is_embedding)
        return replace(matched, embeddings=embeddings)

    def _rekeyed(
        self, sites: dict[str, list[Site]], placed: dict[str, list[Place | None]]
    ) -> LoraWeights:
        def stacked(part: dict[str, Tensor]) -> dict[str, Tensor]:
            rows = {}
            for key, row in placed.items():
                live = [part[p[0]][p[1]] for p in row if p is not None]
                if len({t.shape for t in live}) > 1:
                    raise AdapterMismatch(f"the layers of {key} must have one shape, got several")
                blank = torch.zeros_like(live[0])
                rows[key] = torch.stack([blank if p is None else part[p[0]][p[1]] for p in row])
            return rows

        def per_layer(of, absent):
            values = {m: of(m) for m in self.lora_a}
            return {
                key: tuple(absent if p is None else values[p[0]][p[1]] for p in row)
                for key, row in placed.items()
            }

        ranks = per_layer(self.ranks_of, 0)
        whole = all(r == self.config.rank for row in ranks.values() for r in row)
        return replace(
            self,
            lora_a=stacked(self.lora_a),
            lora_b=stacked(self.lora_b),
            paths={m: tuple(site.path for site in sites[m]) for m in placed},
            ranks=None if whole else ranks,
            scalings=self.scalings and per_layer(self.scalings_of, self.config.scaling),
            magnitudes=self.magnitudes and stacked(self.magnitudes),
            embeddings=frozenset(
                key
                for key, row in placed.items()
                if any(p is not None and p[0] in self.embeddings for p in row)
            ),
        )

    def uniform(self) -> LoraWeights:
        """Return the same delta with one rank and one scale in all layers; B takes the difference.

        Raises:
            AdapterMismatch: it has magnitudes (DoRA), which no LoRA expresses.
        """
        if self.magnitudes is not None:
            raise AdapterMismatch(
                "plain LoRA is expected here, got DoRA, whose delta depends on the base weights: "
                "register it in the bank, or merge it"
            )
        if self.scalings is None:
            return replace(self, ranks=None)
        config = self.config
        if config.scaling == 0:
            config = replace(config, alpha=float(config.rank), use_rslora=False)
        lora_b = {}
        for m, b in self.lora_b.items():
            factors = torch.tensor(self.scalings_of(m), dtype=torch.float64) / config.scaling
            lora_b[m] = b * factors.to(b.device, b.dtype)[:, None, None]
        return replace(self, config=config, lora_b=lora_b, ranks=None, scalings=None)

    def merge_into(self, model: nn.Module) -> None:
        """Add `scaling · Bᵀ A` to the model's own weights, in place; scale rows for DoRA.

        Raises:
            AdapterMismatch: the adapter doesn't fit the model.
            UnsupportedModel: a weight is quantised.
        """
        self._merge(model, 1.0)

    def unmerge_from(self, model: nn.Module) -> None:
        """Take `merge_into` back, exact up to the rounding of the weights' dtype.

        Raises:
            AdapterMismatch: it has magnitudes (DoRA): the weights before can't be computed.
        """
        if self.magnitudes is not None:
            raise AdapterMismatch("DoRA can't be unmerged: load the base model again")
        self._merge(model, -1.0)

    def _merge(self, model: nn.Module, sign: float) -> None:
        checked = self.for_model(model)
        targets = self.config.target_modules
        if checked.paths is not None:
            targets = [p for paths in checked.paths.values() for p in paths]
        sites = find_sites(model, targets)
        if checked.paths is not None:  # the sites are the adapter's own
            targets = tuple(targets)
            checked = replace(checked, config=replace(self.config, target_modules=targets))
        fitted = checked.for_sites(sites)
        scales = {m: tuple(sign * s for s in fitted.scalings_of(m)) for m in fitted.lora_a}
        merge.add(fitted.lora_a, fitted.lora_b, sites, model, scales, fitted.magnitudes)

    @property
    def num_bytes(self) -> int:
        """Memory of all tensors."""
        parts = (self.lora_a, self.lora_b, self.magnitudes or {})
        return sum(t.numel() * t.element_size() for part in parts for t in part.values())

    @staticmethod
    def weighted_sum(adapters: Sequence[LoraWeights], coefficients: Sequence[float]) -> LoraWeights:
        """Return Σ coefficient · ΔW, exact: ranks are concatenated and scales folded into B.

        Raises:
            AdapterMismatch: the adapters cover different modules or layers, or one is DoRA.
            ArgumentError: none given, or not one coefficient each.
        """
        if not adapters or len(adapters) != len(coefficients):
            raise ArgumentError(
                "weighted_sum needs one coefficient per adapter and at least one adapter, "
                f"got {len(adapters)} adapters and {len(coefficients)} coefficients"
            )
        adapters = [w.uniform() for w in adapters]
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
        return replace(first, config=config, lora_a=lora_a, lora_b=lora_b)


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
