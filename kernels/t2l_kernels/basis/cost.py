"""When cores over shared bases beat materialised adapters: a model, not a measurement.

`attach(materialise="auto")` asks `cores_win`. An adapter is `2·r·h` numbers as cores and
`r·(in + out)` as A and B. Cores cost two bases of `h·(in + out)` once per call, `2·h·(in + out)`
FLOPs more per token, and three launches more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from t2l_kernels._core.arch import arch_of, programs_at_most
from t2l_kernels._core.roofline import Cost, Device, device_of
from t2l_kernels.basis.plans import KEEP_PROGRAMS, row_block
from t2l_kernels.lora import cost
from t2l_kernels.lora.cost import Batch

TILE = 128
"""Rows and columns of a library matmul's output tile, to count its programs."""


def core_bytes(batch: Batch, hidden: int) -> int:
    """Return the bytes of one adapter held as cores."""
    return 2 * batch.rank * hidden * batch.size


def materialised_bytes(batch: Batch) -> int:
    """Return the bytes of one adapter held as A and B."""
    return batch.rank * (batch.in_features + batch.out_features) * batch.size


def matmul(batch: Batch, rows: int, inner: int, columns: int, *, spared: int = 0) -> Cost:
    """Model a library matmul `[rows, inner] @ [inner, columns]`: every operand once.

    Args:
        spared: numbers that already lie in the cache.
    """
    numbers = rows * inner + inner * columns + rows * columns - spared
    moved = numbers * batch.size
    programs = -(-rows // TILE) * -(-columns // TILE)
    return Cost(moved, moved, 2 * rows * inner * columns, 1, programs, programs)


def core(batch: Batch, hidden: int) -> Cost:
    """Model `basis_core_kernel`: u to v, both of `hidden` columns."""
    bound = batch.tokens if batch.max_segments is None else batch.max_segments
    rows = row_block(batch.tokens, bound, hidden, hidden, batch.rank, batch.dtype)
    blocks = sum(-(-length // rows) for length in batch.lengths)
    capacity = min(batch.tokens, batch.tokens // rows + bound)
    state = core_bytes(batch, hidden)
    tokens = batch.tokens * (2 * hidden + batch.rank) * batch.size
    programs = min(capacity, programs_at_most(rows, 1))
    return Cost(
        least=tokens + len(batch.lengths) * state,
        issued=tokens + blocks * state + 20 * blocks + 8 * batch.tokens + 12 * programs,
        flops=4 * batch.tokens * batch.rank * hidden,
        launches=1,
        programs=programs,
        useful=min(blocks, programs),
    )


def keep(batch: Batch) -> Cost:
    """Model `basis_keep_kernel` where every token has an adapter."""
    programs = min(batch.tokens, KEEP_PROGRAMS)
    return Cost(0, 8 * programs, 0, 1, programs, 0)


def inference(batch: Batch, hidden: int, *, cached: bool = False) -> list[Cost]:
    """Model `basis_lora` with a residual, launch by launch.

    Args:
        cached: the bases, which all layers of a module type share, stay in the L2 cache.
    """
    tokens, width, out = batch.tokens, batch.in_features, batch.out_features
    add = matmul(batch, tokens, hidden, out, spared=hidden * out if cached else 0)
    y = tokens * out * batch.size
    # torch's addmm copies the residual into its output, then reads and writes it there
    add = add + Cost(y, 3 * y, 0, 1, 0, 0)
    return [
        matmul(batch, tokens, width, hidden, spared=width * hidden if cached else 0),
        core(batch, hidden),
        add,
        keep(batch),
    ]


def materialised(batch: Batch) -> list[Cost]:
    """Model the rival, launch by launch: shrink, and expand in place."""
    return [cost.shrink(batch, batch.in_features), cost.expand(batch, batch.out_features)]


def seconds(parts: list[Cost], gpu: Device, *, per_launch: float = 0.0) -> float:
    """Sum the launches' rooflines and `per_launch` seconds for each of them.

    Args:
        parts: launches, one after the other.
        gpu: its ceilings.
        per_launch: seconds added for each launch.
    """
    return sum(part.seconds(gpu) + per_launch * part.launches for part in parts)


@dataclass(frozen=True)
class Linears:
    """Equal linears of a model, and the hidden size of the cores that would serve them."""

    layers: int
    in_features: int
    out_features: int
    hidden: int


def cores_win(
    linears: Sequence[Linears], adapters: int, rank: int, dtype: torch.dtype, device: torch.device
) -> bool | None:
    """Return whether cores take less modelled time at decode, over all linears together.

    At decode: `adapters` distinct ones, a token each, bases read from memory, the device's
    `launch_seconds` for each launch. Longer segments favour materialised adapters: their bytes are
    spread over tokens, the bases' FLOPs are not.

    Args:
        linears: the model's linears by size, each with its number of layers.
        adapters: distinct ones in the batch.
        rank: of the adapters.
        dtype: of bases and cores.
        device: whose ceilings count.

    Returns:
        None where the device's ceilings are not known.
    """
    ceilings = device_of(device)
    if ceilings is None:
        return None
    ceilings = ceilings.of(dtype)
    mine = theirs = 0.0
    for group in linears:
        batch = Batch(
            (1,) * adapters, group.in_features, group.out_features, rank,
            max_segments=adapters, dtype=dtype, arch=arch_of(device),
        )  # fmt: skip
        parts = inference(batch, group.hidden), materialised(batch)
        each = [seconds(part, ceilings, per_launch=ceilings.launch_seconds) for part in parts]
        mine, theirs = mine + group.layers * each[0], theirs + group.layers * each[1]
    return mine < theirs
