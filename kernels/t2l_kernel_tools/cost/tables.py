"""Tables of docs/kernels/bytes.md about the LoRA operators, and beside the peers' documented grids.

Run `PYTHONPATH=kernels python -m t2l_kernel_tools.cost.tables` from the checkout.
"""

from collections.abc import Callable

from t2l_kernel_tools.cost.peers import comparison
from t2l_kernels._core.roofline import GPUS, Cost
from t2l_kernels.lora.cost import Batch, expand, forward, grad, shrink, training


def table(batches: dict[str, Batch], of: Callable[[Batch], Cost]) -> list[str]:
    """Return Markdown rows: bytes against the least, programs, modelled µs per GPU."""
    names = " | ".join(gpu.name for gpu in GPUS)
    lines = [
        f"| batch | GFLOP | least MB | issued / least | launches | useful of programs | {names} |",
        "|---|---|---|---|---|---|" + "---|" * len(GPUS),
    ]
    for name, batch in batches.items():
        cost = of(batch)
        times = " | ".join(f"{1e6 * cost.seconds(gpu):.1f}" for gpu in GPUS)
        lines.append(
            f"| {name} | {cost.flops / 1e9:.2f} | {cost.least / 1e6:.2f} | "
            f"{cost.issued / cost.least:.2f} | {cost.launches} | "
            f"{cost.useful} of {cost.programs} | {times} |"
        )
    return lines


DECODE = {
    f"decode, {n} distinct, r {r}": Batch((1,) * n, rank=r)
    for n in (64, 256, 1024)
    for r in (8, 16, 64)
}
PREFILL = {
    f"prefill, 16 × 128, r {r}": Batch((128,) * 16, rank=r, max_segments=16)
    for r in (8, 16, 32, 64)
}
TRAINING = {
    f"training, 8 × 512, r {r}": Batch((512,) * 8, rank=r, max_segments=8) for r in (8, 16, 32, 64)
}


def per_operator() -> dict[str, list[str]]:
    """Return one table per operator, at the ranks whose bars are widest apart."""
    ranks = ("r 16", "r 64")
    both = {n: b for n, b in (DECODE | PREFILL | TRAINING).items() if n.endswith(ranks)}
    trained = {n: b for n, b in TRAINING.items() if n.endswith(ranks)}
    return {
        "lora_shrink": table(both, lambda batch: shrink(batch, 4096)),
        "lora_expand in place": table(both, lambda batch: expand(batch, 4096)),
        "lora_expand for dx": table(trained, lambda batch: expand(batch, 4096, mode="gradient")),
        "lora_grad": table(trained, lambda batch: grad(batch, 4096)),
    }


def main() -> None:
    """Print the tables of modelled launches."""
    for name, lines in per_operator().items():
        print(f"{name}, d 4096, bf16. Times in µs, modelled.\n")
        print("\n".join(lines) + "\n")
    print("Inference (shrink + expand in place), d 4096 → 4096, bf16. Times in µs, modelled.\n")
    print("\n".join(table(DECODE | PREFILL, forward)))
    print("\nTraining (forward, dx, dA, dB). Times in µs, modelled.\n")
    print("\n".join(table(TRAINING, training)))
    print("\nBeside the peers' documented grids, forward only, bf16.\n")
    print("\n".join(comparison(DECODE | PREFILL | TRAINING)))


if __name__ == "__main__":
    main()
