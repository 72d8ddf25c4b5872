"""Adding an adapter to the base weights themselves."""

from __future__ import annotations

import math
from collections import Counter

import torch
from torch import Tensor, nn

from t2l_fast.adapters.dora import row_gains
from t2l_fast.adapters.sites import Site, is_transposed
from t2l_fast.errors import AdapterMismatch, UnsupportedModel


@torch.no_grad()
def add(
    lora_a: dict[str, Tensor],
    lora_b: dict[str, Tensor],
    sites: dict[str, list[Site]],
    model: nn.Module,
    scales: dict[str, tuple[float, ...]],
    magnitudes: dict[str, Tensor] | None = None,
) -> None:
    """Add scale · Bᵀ A to the weight of every site of the adapter; all are checked first.

    Args:
        lora_a: key → `[layers, rank, in]`.
        lora_b: key → `[layers, rank, out]`.
        scales: key → scale of every layer.
        magnitudes: key → `[layers, out]`, of DoRA: the sum's rows get these norms.

    Raises:
        AdapterMismatch: a number is not finite, or DoRA's magnitudes don't fit the weights.
        UnsupportedModel: a weight is tied or quantised.
    """
    names = Counter(id(p) for _, p in model.named_parameters(remove_duplicate=False))
    for m in lora_a:
        for site in sites[m]:
            weight = site.module.weight
            if names[id(weight)] > 1:
                raise UnsupportedModel(
                    f"merging needs a weight of its own, got a tied one at {site.path}: attach the "
                    "adapter instead, or untie the weights"
                )
            if type(weight.data) is not torch.Tensor or not weight.dtype.is_floating_point:
                raise UnsupportedModel(
                    f"merging needs a plain float weight, got {type(weight).__name__} of "
                    f"{weight.dtype} at {site.path}: dequantise the model, or attach the adapter"
                )
        finite = lora_a[m].isfinite().all() and lora_b[m].isfinite().all()
        if not finite or not all(map(math.isfinite, scales[m])):
            raise AdapterMismatch(
                f"weights and scale must be finite to merge, got some of {m} that are not: the "
                "adapter's file is damaged"
            )
    layers = [
        (site, a, b, scale, None if magnitudes is None else magnitudes[m][site.layer])
        for m in lora_a
        for site, a, b, scale in zip(sites[m], lora_a[m], lora_b[m], scales[m], strict=True)
    ]
    gains = [
        None if magnitude is None else row_gains(site, a, b, scale, magnitude)
        for site, a, b, scale, magnitude in layers
    ]
    for (site, a, b, scale, _), gain in zip(layers, gains, strict=True):
        weight = site.module.get_parameter("weight")
        wide = torch.promote_types(weight.dtype, torch.float32)
        delta = scale * (b.to(weight.device, wide).T @ a.to(weight.device, wide))
        merged = weight.to(wide) + (delta.T if is_transposed(site.module) else delta)
        if gain is not None:
            merged *= gain if is_transposed(site.module) else gain[:, None]
        weight.copy_(merged)
