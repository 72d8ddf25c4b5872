"""Slots per token under the popularity patterns of the multi-LoRA literature (Punica)."""

import math

import torch


def popular(kind: str, num_tokens: int, num_slots: int) -> torch.Tensor:
    """`[T]`: "distinct" (every slot once), "identical", "none", "uniform" (−1 among them), "zipf"
    or "skewed"."""
    generator = torch.Generator().manual_seed(1)
    if kind == "distinct":
        return torch.randperm(num_slots, generator=generator)
    if kind == "identical":
        return torch.full((num_tokens,), num_slots // 2)
    if kind == "none":
        return torch.full((num_tokens,), -1)
    if kind == "uniform":
        groups = min(math.ceil(math.sqrt(num_tokens)), num_slots)
        return torch.randint(-1, groups, (num_tokens,), generator=generator)
    weights = torch.tensor([1.5**-i for i in range(num_slots)])
    if kind == "skewed":
        weights = torch.tensor([50.0] + [1.0] * (num_slots - 1))
    return torch.multinomial(weights, num_tokens, replacement=True, generator=generator)
