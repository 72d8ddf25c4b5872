"""SmolLM2 with the same random adapters twice: in slots of ours, and in PEFT."""

from __future__ import annotations

import copy
from typing import Any

import torch

import t2l_fast as t2l
from t2l_fast.adapters import Adapters


@torch.no_grad()
def pair(model: Any, config: t2l.LoraConfig, count: int) -> tuple[Adapters, list, list, Any]:
    """Attach `count` adapters to `model`, and to a copy of it in PEFT.

    Returns:
        adapters, their ids, the weights, and PEFT's model with the adapters "0", "1", …
    """
    import peft

    rival = peft.get_peft_model(copy.deepcopy(model), config.to_peft(), adapter_name="0")
    for i in range(1, count):
        rival.add_adapter(str(i), config.to_peft())
    adapters = t2l.attach(model, config, num_slots=count)
    weights = list(t2l.LoraBatch.init(config, adapters.sites, count))
    modules = dict(rival.named_modules())
    for i, adapter in enumerate(weights):
        for m, group in adapters.sites.items():
            for site in group:
                adapter.lora_b[m][site.layer].normal_(std=0.02)
                layer = modules[f"base_model.model.{site.path}"]
                layer.lora_A[str(i)].weight.copy_(adapter.lora_a[m][site.layer])
                layer.lora_B[str(i)].weight.copy_(adapter.lora_b[m][site.layer].T)
    return adapters, adapters.bank.register(weights=weights), weights, rival.eval()
