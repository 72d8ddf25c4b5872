"""Sums of adapters: exact, with their ranks concatenated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from t2l_fast.adapters.bank.fill import check_fingerprints
from t2l_fast.adapters.bank.intake import widened
from t2l_fast.adapters.bank.mixture import AdapterKey, Mixture
from t2l_fast.adapters.bank.store import StoredCode, rounded
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.kinds.base import Slots
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch

Parts = Mapping[AdapterId, StoredCode | LoraWeights]


def summed(
    slab: Slots, generator: AdapterGenerator | None, mixtures: Mapping[Mixture, Parts]
) -> dict[AdapterKey, LoraWeights]:
    """Return every mixture in the form that the slots hold; codes are generated in one pass.

    Args:
        slab: the slots.
        generator: of the codes among the parts.
        mixtures: what is stored for the adapters of each.

    Raises:
        AdapterMismatch: ranks that add up to more than the slots', or DoRA. Or a sum that is not
            finite in the slots' dtype, or a code of another generator.
    """
    parts = {i: entry for of in mixtures.values() for i, entry in of.items()}
    check_fingerprints(slab, generator, parts)
    forms = {i: e for i, e in parts.items() if isinstance(e, LoraWeights)}
    coded = {i: widened(e.code) for i, e in parts.items() if isinstance(e, StoredCode)}
    if coded and generator is not None:
        batch = slab.own_form(generator, torch.stack(list(coded.values())))
        forms |= zip(coded, batch, strict=True)
    sums: dict[AdapterKey, LoraWeights] = {}
    for mixture in mixtures:
        sums[mixture] = weighted_sum(mixture, forms, slab.rank_max, slab.dtype)
        ends = [end for b in sums[mixture].lora_b.values() for end in torch.aminmax(b)]
        if not all(map(math.isfinite, ends)):  # a NaN is both ends; 30 times as fast as isfinite
            raise AdapterMismatch(
                f"a mixture must be finite in {slab.dtype}, got a sum that is not: use smaller "
                "weights"
            )
    return sums


def mixed_code(key: AdapterKey, parts: Parts) -> torch.Tensor:
    """Return Σ weight · code in fp32, or a single adapter's code.

    Args:
        key: an adapter, or a mixture.
        parts: what is stored for its adapters.

    Raises:
        AdapterMismatch: one is stored as weights; or codes of a mixture are integers, or their sum
            is not finite as stored.
    """
    codes: dict[AdapterId, torch.Tensor] = {}
    for adapter, entry in parts.items():
        if isinstance(entry, LoraWeights):
            raise AdapterMismatch(
                f"a code is what the generator made an adapter from, got weights for {adapter!r}: "
                "lease the mixture of the adapters instead"
            )
        codes[adapter] = entry.code
    if not isinstance(key, Mixture):
        return widened(codes[key]).clone()
    if not all(code.is_floating_point() for code in codes.values()):
        raise AdapterMismatch(
            "codes that are mixed must be vectors of real numbers, got integers, which name tasks: "
            "lease the mixture of the adapters instead"
        )
    mixed = sum(weight * widened(codes[i]).double() for i, weight in key.parts)
    assert isinstance(mixed, torch.Tensor)
    if not rounded(mixed).isfinite().all():
        raise AdapterMismatch("a mixed code must be finite in fp16, got one that is not")
    return mixed.float()


@torch.no_grad()
def weighted_sum(
    mixture: Mixture,
    forms: Mapping[AdapterId, LoraWeights],
    rank_max: int | None = None,
    dtype: torch.dtype | None = None,
) -> LoraWeights:
    """Return Σ weight · scaling · Bᵀ A as one adapter of scale 1.

    Rows of A are stacked. Rows of B are stacked too, each times its weight and scaling. Modules and
    layers that one adapter lacks have the others' rows alone.

    Args:
        mixture: adapters and weights.
        forms: adapter → weights with the keys and layers of one model.
        rank_max: largest rank that is allowed; None = any.
        dtype: of the sum, which is rounded once; None = fp32, or fp64 where an adapter has it.

    Raises:
        AdapterMismatch: ranks that add up to more than `rank_max`, or DoRA.
    """
    adapters = [(forms[i], weight) for i, weight in mixture.parts]
    for adapter, weights in zip(mixture.adapters, (w for w, _ in adapters), strict=True):
        if weights.magnitudes is not None:
            raise AdapterMismatch(
                f"a mixture is a sum of LoRA deltas, got DoRA for {adapter!r}, whose delta depends "
                "on the base weights: use it alone, or mix the others"
            )
    first = adapters[0][0]
    keys = list(dict.fromkeys(m for w, _ in adapters for m in w.lora_a))
    holders = {m: [(w, c) for w, c in adapters if m in w.lora_a] for m in keys}
    ranks = {
        m: tuple(map(sum, zip(*(w.ranks_of(m) for w, _ in of), strict=True)))
        for m, of in holders.items()
    }
    rank = max(1, *(r for row in ranks.values() for r in row))
    if rank_max is not None and rank > rank_max:
        raise AdapterMismatch(
            f"slots hold rank ≤ {rank_max}, got a mixture whose ranks add up to {rank}: attach "
            f"with rank_max={rank} or more (t2l serve --rank-max), or mix fewer adapters"
        )
    lora_a, lora_b = {}, {}
    for m, of in holders.items():
        lora_a[m], lora_b[m] = _stacked(m, of, rank, dtype)
    paths: dict[str, tuple[str, ...]] | None = None
    if all(w.paths is not None for w, _ in adapters):
        paths = {m: (of[0][0].paths or {})[m] for m, of in holders.items()}
    targets = first.config.target_modules
    if any(w.config.target_modules != targets for w, _ in adapters):
        live = (paths or {}).items()
        targets = [p for m, row in live for p, r in zip(row, ranks[m], strict=True) if r]
        targets = tuple(targets or keys)
    config = replace(
        first.config, target_modules=targets, rank=rank, alpha=float(rank), use_rslora=False
    )
    return LoraWeights(
        config,
        lora_a,
        lora_b,
        paths,
        ranks,
        origin=first.origin,
        embeddings=frozenset().union(*(w.embeddings for w, _ in adapters)),
    )


def _stacked(
    key: str,
    adapters: Sequence[tuple[LoraWeights, float]],
    rank: int,
    dtype: torch.dtype | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return A `[layers, rank, in]` and B `[layers, rank, out]` of one key."""
    held = [t for w, _ in adapters for t in (w.lora_a[key], w.lora_b[key])]
    wide = torch.float32
    for t in held:
        wide = torch.promote_types(wide, t.dtype)
    device = next((t.device for t in held if t.device.type != "cpu"), held[0].device)
    layers = len(held[0])
    a, b = (
        torch.zeros(layers, rank, t.shape[2], dtype=dtype or wide, device=device) for t in held[:2]
    )
    live = [w.ranks_of(key) for w, _ in adapters]
    alike = all(len(set(row)) == 1 for row in live)
    spans = [slice(0, layers)] if alike else [slice(i, i + 1) for i in range(layers)]
    for span in spans:
        start = 0
        for (w, weight), row in zip(adapters, live, strict=True):
            count = row[span.start]
            rows = slice(start, start + count)
            factors = [weight * s for s in w.scalings_of(key)[span]]
            if not all(map(math.isfinite, factors)):
                raise AdapterMismatch(
                    f"weight times scale must be finite, got {weight} and {w.scalings_of(key)}"
                )
            a[span, rows] = w.lora_a[key][span, :count].to(device)
            scaled = w.lora_b[key][span, :count].to(device, wide)
            b[span, rows] = scaled * scaled.new_tensor(factors)[:, None, None]
            start += count
    return a, b
