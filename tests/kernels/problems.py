"""What kernel tests on a CPU run over: implementations, popularity patterns, one problem's base."""

import math

import torch

from t2l_kernels import Route
from tests.kernels.popular import popular

IMPLS = ["reference", "torch"]
POPULARITY = ["distinct", "uniform", "zipf", "identical", "skewed", "none", "in place", "rows"]
NUM_SLOTS, RANK, IN, OUT = 9, 6, 21, 17


def slots_of(kind: str) -> torch.Tensor:
    """The popularity patterns, and two whose runs stay in place."""
    if kind == "in place":
        return torch.tensor([4] * 20 + [-1] * 9 + [1] * 11)
    if kind == "rows":
        return torch.tensor([4, 1, 2, 7]).repeat_interleave(10)
    return popular(kind, 40, NUM_SLOTS)


class Problem:
    """Tokens, route, scalings and ranks; rows beyond the live rank are NaN: reading them shows."""

    def __init__(self, kind: str, dtype: torch.dtype, mixed_ranks: bool, poison: bool = True):
        torch.manual_seed(0)
        self.slots = slots_of(kind)
        self.route = Route.from_tokens(self.slots)
        tokens = self.slots.shape[0]
        self.x = torch.randn(tokens, IN, dtype=dtype)
        ranked = self.draw_weights(dtype)
        self.residual = torch.randn(tokens, OUT, dtype=dtype)
        self.scalings = torch.rand(NUM_SLOTS) + 0.5
        self.ranks = None
        if mixed_ranks:
            self.ranks = torch.tensor([6, 1, 6, 3, 0, 5, 2, 6, 6], dtype=torch.int32)
            for slot, rank in enumerate(self.ranks.tolist()):
                for weight in ranked:
                    weight[slot, rank:] = math.nan if poison else 0.0

    def draw_weights(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        """Draws the adapters and returns those whose rows have a rank, `[S, R, …]`."""
        raise NotImplementedError

    def live(self):
        """Each token with an adapter, its slot and the slot's live rank."""
        for t, slot in enumerate(self.slots.tolist()):
            if slot >= 0:
                yield t, slot, RANK if self.ranks is None else int(self.ranks[slot])
