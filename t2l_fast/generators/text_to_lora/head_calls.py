"""How a head's weight and its latents become the calls that make A and B."""

from __future__ import annotations

from torch import Tensor, nn

from t2l_fast.generators.parts.heads import Extras, HeadCall
from t2l_fast.generators.text_to_lora.config import T2LConfig


def head_calls(
    config: T2LConfig, head: nn.Linear, module: str, latents: Tensor, extras: tuple[Extras, Extras]
) -> tuple[HeadCall, HeadCall]:
    """Return the head calls for A and for B of one module type.

    Args:
        latents: `[layers, N, h]` for L, `[2, layers, N, h]` for M, `[2, layers, N, rank, h]` for S,
            `[layers, N, rank, h]` for L that makes rank rows one by one.
        extras: of A and of B.
    """
    rank, sizes = config.lora.rank, config.module_shapes[module]
    ranks = 1 if config.rank_by_rank else rank  # in the weight
    if config.arch == "L":
        edges = (slice(0, ranks * sizes[0]), slice(ranks * sizes[0], None))
        parts = [(head.weight[s], None if head.bias is None else head.bias[s]) for s in edges]
        owns = (latents, latents)
    else:
        parts = [(head.weight, head.bias)] * 2
        owns = (latents[0], latents[1])
    calls = [
        HeadCall(
            own if config.rank_by_rank else own.unsqueeze(2),
            weight.unflatten(0, (ranks, -1))[:, :size],
            None if bias is None else bias.unflatten(0, (ranks, -1))[:, :size],
            extra,
        )
        for own, (weight, bias), size, extra in zip(owns, parts, sizes, extras, strict=True)
    ]
    return calls[0], calls[1]
