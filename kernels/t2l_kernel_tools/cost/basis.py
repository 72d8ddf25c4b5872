"""Table of docs/kernels/heads.md about cores over shared bases: from how many adapters they win.

Run `PYTHONPATH=kernels python -m t2l_kernel_tools.cost.basis` from the checkout.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace

from t2l_kernels._core.roofline import GPUS, Cost, Device
from t2l_kernels.basis.cost import inference, materialised, matmul, seconds
from t2l_kernels.lora import cost
from t2l_kernels.lora.cost import Batch

MOST_ADAPTERS = 1 << 16


def training(batch: Batch, hidden: int) -> list[Cost]:
    """Model `basis_lora` with a residual, and the gradients of x, both bases and both cores."""
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


def wins(
    batch: Batch, hidden: int, gpu: Device, *, cached: bool = False, per_launch: float = 0.0
) -> bool:
    """Return whether cores take less modelled time than materialised adapters."""
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
    """Return the fewest distinct adapters in a batch for which `wins`.

    None: it does not up to MOST_ADAPTERS.

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


def even(tokens: int = 1, **sizes) -> Callable[[int], Batch]:
    """Return a function from a count to a batch with `tokens` per adapter."""
    return lambda adapters: Batch((tokens,) * adapters, max_segments=adapters, **sizes)


def main() -> None:
    """Print from how many distinct adapters cores win, per GPU."""
    parser = argparse.ArgumentParser(prog="python -m t2l_kernel_tools.cost.basis")
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
                    table = (
                        crossover(batch_of, hidden, gpu, cached=cached, per_launch=per_launch)
                        for cached in (False, True)
                    )
                    cells.append(" / ".join("never" if n is None else str(n) for n in table))
                print(f"| {tokens}, {hidden}, {rank} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
