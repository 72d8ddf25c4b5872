"""A generator that starts as one LoRA for all tasks and learns what differs (T2L's code)."""

from __future__ import annotations

import torch

from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch, ConfigError
from t2l_fast.generators.text_to_lora.network import T2LNetwork


@torch.no_grad()
def offset_init(generator: T2LNetwork, adapter: LoraWeights) -> None:
    """Start offsets at an adapter and heads at 0: every code gives that adapter.

    Args:
        generator: with `offset="fixed"` or `"learnable"`; published heads have no bias then.
        adapter: `MultiTaskLora.weights()`, or a PEFT folder that was read `for_sites`. Its scale
            may be another than the generator's: B is adjusted.

    Raises:
        ConfigError: the generator has no offsets.
        AdapterMismatch: modules, shapes or rank are not the generator's.
    """
    config = generator.config
    if config.offset == "none":
        raise ConfigError(
            "offset_init needs a generator with offset='fixed' or 'learnable', got 'none'"
        )
    rank = config.lora.rank
    wanted = {
        m: ((config.num_layers, rank, size_in), (config.num_layers, rank, size_out))
        for m, (size_in, size_out) in config.module_shapes.items()
    }
    got = {m: (tuple(a.shape), tuple(adapter.lora_b[m].shape)) for m, a in adapter.lora_a.items()}
    if got != wanted:
        raise AdapterMismatch(f"offsets must have [layers, rank, d] of {wanted}, got {got}")
    ratio = adapter.config.scaling / config.lora.scaling
    for m in config.module_shapes:
        a, b = generator.AB_offset.of(m)
        a.copy_(adapter.lora_a[m])
        b.copy_(adapter.lora_b[m] * ratio)
    for parameter in generator.heads.parameters():
        parameter.zero_()
