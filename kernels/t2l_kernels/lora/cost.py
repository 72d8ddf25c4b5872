"""Bytes, FLOPs and launches of the LoRA operators: a model, not a measurement.

`least` is what any implementation must move (s once per plane). `issued` is what the programs ask
for, from the launchers' own plans. Tests compare both with what the interpreter counts.
"""

from dataclasses import dataclass

import torch

from t2l_kernels._core.arch import programs_at_most
from t2l_kernels._core.roofline import Cost
from t2l_kernels.lora import plans


@dataclass(frozen=True)
class Batch:
    """Tokens per adapter, and one linear's LoRA."""

    lengths: tuple[int, ...]
    in_features: int = 4096
    out_features: int = 4096
    rank: int = 16
    num_slots: int | None = None  # None: as many as adapters
    max_segments: int | None = None  # None: as many as tokens
    dtype: torch.dtype = torch.bfloat16
    arch: str = "sm_90"

    @property
    def tokens(self) -> int:
        """Tokens of all adapters."""
        return sum(self.lengths)

    @property
    def size(self) -> int:
        """Bytes of one number."""
        return self.dtype.itemsize

    def blocks(self, width: int) -> tuple[int, int, int]:
        """Return rows per block, blocks, and blocks the tables have room for."""
        bound = self.tokens if self.max_segments is None else self.max_segments
        rows = plans.row_block(self.tokens, bound, width, self.rank, self.dtype)
        used = sum(-(-length // rows) for length in self.lengths)
        return rows, used, min(self.tokens, self.tokens // rows + bound)


def shrink(batch: Batch, width: int) -> Cost:
    """Model `lora_shrink` over rows of `width`."""
    plan = plans.shrink_plan(width, batch.rank, batch.dtype, batch.arch)
    rows, blocks, capacity = batch.blocks(width)
    x = batch.tokens * width * batch.size
    adapter = batch.rank * width * batch.size
    s = plan.planes * batch.tokens * batch.rank * 4
    side = min(capacity, programs_at_most(rows, plan.planes))
    programs = side * plan.planes
    tables = plan.planes * (16 * blocks + 8 * batch.tokens) + 4 * programs
    return Cost(
        least=x + len(batch.lengths) * adapter + s,
        issued=x + blocks * adapter + s + tables,
        flops=2 * batch.tokens * batch.rank * width,
        launches=1,
        programs=programs,
        useful=min(blocks, side) * plan.planes,
    )


def expand(batch: Batch, width: int, *, mode: str = "in place") -> Cost:
    """Model `lora_expand` into rows of `width`.

    Args:
        mode: "in place"; "training": base read, output and Σs written; "gradient": the same
            without a base.
    """
    planes = plans.shrink_plan(batch.in_features, batch.rank, batch.dtype, batch.arch).planes
    rows, blocks, capacity = batch.blocks(width)
    plan = plans.expand_plan(width, batch.rank, batch.dtype, batch.arch)
    groups, _ = plans.column_groups(width, plan.block_n, rows, capacity)
    y = batch.tokens * width * batch.size * (1 if mode == "gradient" else 2)
    adapter = batch.rank * width * batch.size
    s = planes * batch.tokens * batch.rank * 4
    sums = 0 if mode == "in place" else batch.tokens * batch.rank * batch.size
    side = min(capacity, programs_at_most(rows, groups))
    programs = side * groups
    tables = (
        groups * (20 * blocks + 8 * batch.tokens) + (4 if mode == "in place" else 12) * programs
    )
    return Cost(
        least=y + len(batch.lengths) * adapter + s + sums,
        issued=y + blocks * adapter + groups * s + sums + tables,
        flops=2 * batch.tokens * batch.rank * width,
        launches=1,
        programs=programs,
        useful=min(blocks, side) * groups,
    )


def grad(batch: Batch, width: int) -> Cost:
    """Model the gradient of one adapter matrix with rows of `width`."""
    slots = len(batch.lengths) if batch.num_slots is None else batch.num_slots
    plan = plans.grad_plan(width, batch.rank, batch.dtype, batch.arch)
    tiles = -(-width // plan.block_d)
    rows = batch.tokens * width * batch.size
    s = batch.tokens * batch.rank * batch.size
    out = slots * batch.rank * width * batch.size
    search = 4 * (max(len(batch.lengths), 1).bit_length() + 5)
    programs = min(slots, plans.GRAD_PROGRAMS) * tiles
    tables = tiles * (8 * batch.tokens + search * slots) + 4 * programs
    return Cost(
        least=rows + s + out,
        issued=rows + tiles * s + out + tables,
        flops=2 * batch.tokens * batch.rank * width,
        launches=1,
        programs=programs,
        useful=programs,
    )


def forward(batch: Batch) -> Cost:
    """Model inference: shrink, and expand in place."""
    return shrink(batch, batch.in_features) + expand(batch, batch.out_features)


def training(batch: Batch) -> Cost:
    """Model `multi_lora` with a residual, and the gradients of x, A and B."""
    forth = shrink(batch, batch.in_features) + expand(batch, batch.out_features, mode="training")
    back = shrink(batch, batch.out_features) + expand(batch, batch.in_features, mode="gradient")
    return forth + back + grad(batch, batch.in_features) + grad(batch, batch.out_features)
