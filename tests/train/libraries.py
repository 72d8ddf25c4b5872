"""A small library of adapters, for the tests of libraries and of reconstruction."""

import torch

import t2l_fast as t2l
from t2l_fast.train import LoraLibrary

SHAPES = {"q_proj": (12, 12), "up_proj": (12, 20)}
LORA = t2l.LoraConfig(tuple(SHAPES), 3, 6)
LAYERS, COUNT = 2, 4


def small_library() -> LoraLibrary:
    """Adapters whose entries are as small as trained ones', on top of a common part."""
    draws = torch.Generator().manual_seed(0)

    def made(size: int) -> torch.Tensor:
        common = torch.randn(LAYERS, 1, 3, size, generator=draws)
        own = torch.randn(LAYERS, COUNT, 3, size, generator=draws)
        return 0.05 * common + 0.03 * own

    batch = t2l.LoraBatch(
        LORA,
        {m: made(a) for m, (a, _) in SHAPES.items()},
        {m: made(b) for m, (_, b) in SHAPES.items()},
        {m: tuple(f"model.layers.{i}.{m}" for i in range(LAYERS)) for m in SHAPES},
    )
    names = tuple(f"task {i}" for i in range(COUNT))
    texts = tuple((f"word{i} please", f"word{i} it now") for i in range(COUNT))
    return LoraLibrary(names, texts, batch)
