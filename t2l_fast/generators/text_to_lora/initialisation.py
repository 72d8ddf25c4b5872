"""How Text-to-LoRA's heads start."""

from __future__ import annotations

import math

import torch
from torch import nn

from t2l_fast.generators.text_to_lora.config import T2LConfig


@torch.no_grad()
def bias_hyperinit(head: nn.Linear, module: str, config: T2LConfig) -> None:
    """Zero the weights and draw a LoRA's initialisation as bias (Beck et al. 2023; T2L appendix).

    L: A ~ U(±1/√in) and B = 0, so that a new generator gives a standard LoRA. M and S share one
    output for A and B. It is drawn alike over max(in, out) columns and divided by √2, for S also
    by √r. L with `rank_rows` draws over in + out columns, divided by √r.

    Args:
        head: written in place; its bias is of the size that `config.head_width` gives.
        module: a key of `config.module_shapes`.
        config: architecture, rank and sizes.
    """
    size_in, size_out = config.module_shapes[module]
    rank, bound = config.lora.rank, 1.0 / math.sqrt(size_in)
    head.weight.zero_()
    if config.rank_rows:
        head.bias.uniform_(-bound / math.sqrt(rank), bound / math.sqrt(rank))
    elif config.arch == "L":
        head.bias[: rank * size_in].uniform_(-bound, bound)
        head.bias[rank * size_in :].zero_()
    else:
        shrink = math.sqrt(2.0) if config.arch == "M" else math.sqrt(2.0 * rank)
        head.bias.uniform_(-bound / shrink, bound / shrink)
