"""Adding an adapter to the base weights themselves."""

from collections import Counter

import torch
from torch import nn

from t2l_fast.adapters.sites import find_sites, is_conv1d
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import UnsupportedModel


@torch.no_grad()
def add(weights: LoraWeights, model: nn.Module, sign: float) -> None:
    """weight += sign · scaling · Bᵀ A for every module of the adapter; all are checked first."""
    if weights.paths is None:
        sites = find_sites(model, weights.config.target_modules)
    else:
        sites = find_sites(model, [p for paths in weights.paths.values() for p in paths])
    fitted = weights.for_sites(sites)
    names = Counter(id(p) for _, p in model.named_parameters(remove_duplicate=False))
    for m in fitted.lora_a:
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
    for m, lora_a in fitted.lora_a.items():
        for site, a, b in zip(sites[m], lora_a.unbind(), fitted.lora_b[m].unbind(), strict=True):
            weight = site.module.weight
            wide = torch.promote_types(weight.dtype, torch.float32)
            delta = b.to(weight.device, wide).T @ a.to(weight.device, wide)
            delta = delta.T if is_conv1d(site.module) else delta
            weight.copy_(weight.to(wide) + sign * weights.config.scaling * delta)
