"""When cores over shared bases beat materialised adapters: arithmetic, not measurement.

`python -m t2l_kernels.basis.cost` prints the crossovers. Beside `t2l_kernels.cost`, whose kernels
serve materialised adapters: per adapter `2·r·h` numbers instead of `r·(in + out)`, for two bases of
`h·(in + out)` once per call, `2·h·(in + out)` FLOPs more per token, and three launches more.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from t2l_kernels import cost, plans
from t2l_kernels.basis.plans import KEEP_PROGRAMS, row_block
from t2l_kernels.cost import GPUS, Batch, Cost, Device, device_of

MOST_ADAPTERS = 1 << 16
TILE = 128
"""Rows and columns of a library matmul's output tile, to count its programs."""


def core_bytes(batch: Batch, hidden: int) -> int:
    """What one adapter holds as cores."""
    return 2 * batch.rank * hidden * batch.size


def materialised_bytes(batch: Batch) -> int:
    """What one adapter holds as A and B."""
    return batch.rank * (batch.in_features + batch.out_features) * batch.size


def matmul(batch: Batch, rows: int, inner: int, columns: int, *, spared: int = 0) -> Cost:
    """A library matmul `[rows, inner] @ [inner, columns]`: every operand once.

    Args:
        spared: numbers that already lie in the cache.
    """
    numbers = rows * inner + inner * columns + rows * columns - spared
    moved = numbers * batch.size
    programs = -(-rows // TILE) * -(-columns // TILE)
    return Cost(moved, moved, 2 * rows * inner * columns, 1, programs, programs)


def core(batch: Batch, hidden: int) -> Cost:
    """`basis_core_kernel`: u to v, both of `hidden` columns."""
    bound = batch.tokens if batch.max_segments is None else batch.max_segments
    rows = row_block(batch.tokens, bound, hidden, hidden, batch.rank, batch.dtype)
    blocks = sum(-(-length // rows) for length in batch.lengths)
    capacity = min(batch.tokens, batch.tokens // rows + bound)
    state = core_bytes(batch, hidden)
    tokens = batch.tokens * (2 * hidden + batch.rank) * batch.size
    programs = min(capacity, plans.at_most(rows, 1))
    return Cost(
        least=tokens + len(batch.lengths) * state,
        issued=tokens + blocks * state + 20 * blocks + 8 * batch.tokens + 12 * programs,
        flops=4 * batch.tokens * batch.rank * hidden,
        launches=1,
        programs=programs,
        useful=min(blocks, programs),
    )


def keep(batch: Batch) -> Cost:
    """`basis_keep_kernel` where every token has an adapter."""
    programs = min(batch.tokens, KEEP_PROGRAMS)
    return Cost(0, 8 * programs, 0, 1, programs, 0)


def inference(batch: Batch, hidden: int, *, cached: bool = False) -> list[Cost]:
    """`basis_lora` with a residual, launch by launch.

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


def training(batch: Batch, hidden: int) -> list[Cost]:
    """`basis_lora` with a residual, and the gradients of x, both bases and both cores."""
    tokens, width, out = batch.tokens, batch.in_features, batch.out_features
    cores = replace(batch, in_features=hidden, out_features=hidden)
    return [
        *inference(batch, hidden),
        matmul(batch, tokens, out, hidden),
        matmul(batch, out, tokens, hidden),
        cost.shrink(cores, hidden),
        cost.expand(cores, hidden, mode="gradient"),
        cost.grad(cores, hidden),
        cost.grad(cores, hidden),
        matmul(batch, tokens, hidden, width),
        matmul(batch, hidden, tokens, width),
    ]


def materialised(batch: Batch) -> list[Cost]:
    """The rival, launch by launch: shrink, and expand in place."""
    return [cost.shrink(batch, batch.in_features), cost.expand(batch, batch.out_features)]


def seconds(parts: list[Cost], gpu: Device, *, per_launch: float = 0.0) -> float:
    """Modelled: the rooflines one after the other, and `per_launch` seconds for each launch."""
    return sum(part.seconds(gpu) + per_launch * part.launches for part in parts)


def wins(
    batch: Batch, hidden: int, gpu: Device, *, cached: bool = False, per_launch: float = 0.0
) -> bool:
    """Whether serving cores takes fewer modelled seconds than serving materialised adapters."""
    mine = seconds(inference(batch, hidden, cached=cached), gpu, per_launch=per_launch)
    return mine < seconds(materialised(batch), gpu, per_launch=per_launch)


def crossover(
    batch_of: Callable[[int], Batch],
    hidden: int,
    gpu: Device,
    *,
    cached: bool = False,
    per_launch: float = 0.0,
) -> int | None:
    """The fewest distinct adapters in a batch for which `wins`; None: none up to MOST_ADAPTERS.

    Args:
        batch_of: the batch with that many adapters, as `even` makes them.
    """

    def better(adapters: int) -> bool:
        batch = batch_of(adapters)
        return wins(batch, hidden, gpu, cached=cached, per_launch=per_launch)

    high = 1
    while not better(high):
        high *= 2
        if high > MOST_ADAPTERS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if better(middle) else (middle, high)
    return high


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
    """Whether cores take less modelled time than materialised adapters, over all linears together.

    At decode: `adapters` distinct ones, a token each, bases read from memory, the device's
    `launch_seconds` for each launch. Longer segments favour materialised adapters: their bytes are
    spread over tokens, the bases' FLOPs are not.

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
            max_segments=adapters, dtype=dtype, arch=plans.arch_of(device),
        )  # fmt: skip
        parts = inference(batch, group.hidden), materialised(batch)
        each = [seconds(part, ceilings, per_launch=ceilings.launch_seconds) for part in parts]
        mine, theirs = mine + group.layers * each[0], theirs + group.layers * each[1]
    return mine < theirs


def even(tokens: int = 1, **sizes) -> Callable[[int], Batch]:
    """Batches of `tokens` per adapter; `sizes` are `Batch`'s other fields."""
    return lambda adapters: Batch((tokens,) * adapters, max_segments=adapters, **sizes)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m t2l_kernels.basis.cost")
    parser.add_argument("--per-launch", type=float, default=0.0, help="µs assumed for each launch")
    per_launch = 1e-6 * parser.parse_args().per_launch
    names = " | ".join(gpu.name for gpu in GPUS)
    print("Distinct adapters from which cores win; read from memory / from L2. Modelled.\n")
    print(f"| tokens each, h, r | {names} |\n|---|" + "---|" * len(GPUS))
    for tokens in (1, 4, 16):
        for hidden in (64, 512, 2048):
            for rank in (8, 16, 64):
                cells = []
                for gpu in GPUS:
                    batch_of = even(tokens, rank=rank)
                    found = (
                        crossover(batch_of, hidden, gpu, cached=cached, per_launch=per_launch)
                        for cached in (False, True)
                    )
                    cells.append(" / ".join("never" if n is None else str(n) for n in found))
                print(f"| {tokens}, {hidden}, {rank} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
