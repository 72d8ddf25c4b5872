"""What slots hold: A and B, or cores over a generator's bases."""

from __future__ import annotations

from typing import Literal

import torch

from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.generator import AdapterGenerator, CoreGenerator
from t2l_fast.adapters.kinds import KINDS, Slots
from t2l_fast.adapters.sites import Site
from t2l_fast.errors import ArgumentError
from t2l_kernels.basis.cost import Linears, cores_win


def make_slab(
    sites: dict[str, list[Site]],
    generator: AdapterGenerator | None,
    num_slots: int,
    rank_max: int,
    dtype: torch.dtype,
    materialise: bool | Literal["auto"],
) -> Slots | None:
    """Return empty slots of the kind that `attach(materialise=…)` asks for; None for no slots.

    Raises:
        ArgumentError: cores are asked for where there can be none, or an unknown value.
        AdapterMismatch: bases that don't fit the sites.
    """
    if not isinstance(materialise, bool) and materialise != "auto":
        raise ArgumentError(f'materialise must be True, False or "auto", got {materialise!r}')
    if num_slots and materialise is True:
        return KINDS["lora"].allocate(sites, num_slots, rank_max, dtype)
    bases = generator.bases() if num_slots and isinstance(generator, CoreGenerator) else None
    if materialise is False and bases is None:
        kind = "none" if generator is None else f"one of kind {generator.kind} without bases"
        raise ArgumentError(
            "materialise=False needs slots and a generator whose `bases()` all adapters share, got "
            f"{'no slots' if not num_slots else kind}: use materialise=True"
        )
    if not num_slots:
        return None
    if bases is not None and (
        materialise is False or prefers_cores(sites, bases, num_slots, rank_max, dtype)
    ):
        return KINDS["core"].allocate(sites, num_slots, rank_max, dtype, bases=bases)
    return KINDS["lora"].allocate(sites, num_slots, rank_max, dtype)


def prefers_cores(
    sites: dict[str, list[Site]], bases: Bases, num_slots: int, rank: int, dtype: torch.dtype
) -> bool:
    """Return whether the cost model finds cores faster on the sites' device, False if unknown."""
    linears = [
        Linears(
            len(group),
            group[0].in_features,
            group[0].out_features,
            max(bases.a[m].shape[1], bases.b[m].shape[1]),
        )
        for m, group in sites.items()
        if m in bases.a
    ]
    device = next(next(iter(sites.values()))[0].module.parameters()).device
    return bool(cores_win(linears, num_slots, rank, dtype, device))
