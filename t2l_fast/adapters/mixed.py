"""MixedBatch: N adapters of ranks, scales and targets of their own, stacked for one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch

Ranks = tuple[Tensor | None, ...]
"""Ranks by layer: `[N]` int32, or None where all N have the largest rank."""
Place = tuple[str, tuple[int, ...]]
"""A key of a batch, and which of its layers."""


@dataclass(frozen=True)
class MixedBatch:
    """N adapters that differ in rank, scale, targets and layers, for `Adapters.use(weights=…)`.

    Rows beyond an adapter's rank are zero, are never read and get no gradient. An adapter without
    weights for a layer has rank 0 there.

    Fields:
        lora_a: key → `[layers, N, rank_max, in]`, the largest rank of that key.
        lora_b: key → `[layers, N, rank_max, out]`.
        ranks: key → live ranks.
        scalings: `[N]` fp32.
        dropouts: `[N]` fp32, the probability of dropping inputs; None = nothing is dropped.
        places: of every adapter, its own key → where its layers are in the batch.
    """

    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    ranks: dict[str, Ranks]
    scalings: Tensor
    dropouts: Tensor | None
    places: tuple[dict[str, Place], ...]

    @classmethod
    @torch.no_grad()
    def stack(
        cls,
        adapters: Sequence[LoraWeights],
        sites: dict[str, list[Site]],
        *,
        dropout: bool = False,
    ) -> MixedBatch:
        """Return copies of adapters, padded to one rank a key; both matrices require grad.

        Args:
            adapters: N of one dtype and device, which know their module paths.
            sites: that adapters are attached to.
            dropout: drop inputs of each adapter's rows as its config says.

        Raises:
            AdapterMismatch: none given, one is DoRA, or one has weights for a module that is no
                site.
        """
        if not adapters:
            raise AdapterMismatch("a MixedBatch needs at least one adapter, got none")
        adapters = [weights.uniform() for weights in adapters]
        places = tuple(_places(weights, sites) for weights in adapters)
        first = next(iter(adapters[0].lora_a.values()))
        like = {"dtype": first.dtype, "device": first.device}
        lora_a: dict[str, Tensor] = {}
        lora_b: dict[str, Tensor] = {}
        ranks: dict[str, Ranks] = {}
        known: dict[tuple[int, ...], Tensor] = {}  # one tensor of equal ranks: plans are kept by it
        for m, group in sites.items():
            holders = [
                (i, own, list(layers))
                for i, place in enumerate(places)
                for own, (key, layers) in place.items()
                if key == m
            ]
            if not holders:
                continue
            rank_max = max(adapters[i].config.rank for i, _, _ in holders)
            shape = (len(group), len(adapters), rank_max)
            lora_a[m] = torch.zeros(*shape, group[0].in_features, **like)
            lora_b[m] = torch.zeros(*shape, group[0].out_features, **like)
            live = torch.zeros(len(group), len(adapters), dtype=torch.int32)
            for i, own, layers in holders:
                rank = adapters[i].config.rank
                lora_a[m][layers, i, :rank] = adapters[i].lora_a[own]
                lora_b[m][layers, i, :rank] = adapters[i].lora_b[own]
                live[layers, i] = rank
            rows = [tuple(row) for row in live.tolist()]
            for row in rows:
                known.setdefault(row, torch.tensor(row, dtype=torch.int32, device=first.device))
            ranks[m] = tuple(None if min(row) == rank_max else known[row] for row in rows)
            lora_a[m].requires_grad_()
            lora_b[m].requires_grad_()
        scales = torch.tensor([w.config.scaling for w in adapters], device=first.device)
        drops = torch.tensor([w.config.dropout for w in adapters], device=first.device)
        dropouts = drops if dropout and any(w.config.dropout for w in adapters) else None
        return cls(lora_a, lora_b, ranks, scales, dropouts, places)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def module_shapes(self) -> dict[str, tuple[int, int, int]]:
        """Return key → (layers, in, out)."""
        return {
            m: (a.shape[0], a.shape[3], self.lora_b[m].shape[3]) for m, a in self.lora_a.items()
        }

    def gradients(self, index: int, rank: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the gradients of one adapter, `[layers, rank, in | out]` of its own layers.

        Args:
            index: which of the N.
            rank: of that adapter.
        """
        parts: list[dict[str, Tensor]] = []
        for whole in (self.lora_a, self.lora_b):
            own = {}
            for key, (m, layers) in self.places[index].items():
                gradient = whole[m].grad
                if gradient is None:
                    gradient = torch.zeros_like(whole[m])
                rows = gradient[:, index, :rank]
                every = layers == tuple(range(len(rows)))
                own[key] = rows.contiguous() if every else rows[list(layers)]
            parts.append(own)
        return parts[0], parts[1]


def _places(weights: LoraWeights, sites: dict[str, list[Site]]) -> dict[str, Place]:
    """Return where each key's layers are among the sites; keys may be named otherwise there."""
    place = {site.path: (m, site.layer) for m, group in sites.items() for site in group}
    places: dict[str, Place] = {}
    for key, a in weights.lora_a.items():
        usual = tuple(site.path for site in sites.get(key, ()))
        paths = usual if weights.paths is None else weights.paths[key]
        keys = {place[path][0] for path in paths if path in place}
        shapes = {(sites[m][0].in_features, sites[m][0].out_features) for m in keys}
        fits = shapes == {(a.shape[2], weights.lora_b[key].shape[2])} and len(keys) == 1
        if not fits or len(paths) != len(a) or any(path not in place for path in paths):
            raise AdapterMismatch(
                f"weights of {key!r} must be for attached sites of one shape, got {len(a)} layers "
                f"of {(a.shape[2], weights.lora_b[key].shape[2])} for {list(paths[:1])}: attach "
                "with target_modules that cover them"
            )
        places[key] = keys.pop(), tuple(place[path][1] for path in paths)
    return places
