"""Bytes, FLOPs and launches of every LoRA operator: arithmetic, not measurement.

`python -m t2l_kernels.cost` prints the table of docs/kernels.md. `least` is what any implementation
must move (s once per plane); `issued` is what the programs ask for, from the launchers' own plans.
Tests hold it to what the interpreter counts (t2l_kernels.traffic). Times are *modelled*: the larger
of issued bytes over memory bandwidth and FLOPs over peak, from datasheets; caches make the bytes
fewer, and launches and ramps make the time longer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from t2l_kernels import plans


@dataclass(frozen=True)
class Device:
    """Ceilings: of a GPU from its datasheet, dense; of a CPU measured."""

    name: str
    bytes_per_second: float
    flops_per_second: float  # of 16-bit matmuls
    fp32_flops_per_second: float
    launch_seconds: float = 2e-6  # assumed, ramps included; no GPU was there to ask

    def of(self, dtype: torch.dtype) -> "Device":
        """The same device, its FLOPs those of `dtype`."""
        wide = dtype.itemsize > 2
        return replace(self, flops_per_second=self.fp32_flops_per_second) if wide else self


GPUS = (
    Device("A100 80GB SXM", 2.039e12, 312e12, 19.5e12),
    Device("H100 SXM", 3.35e12, 989e12, 67e12),
    Device("H200 SXM", 4.8e12, 989e12, 67e12),
    Device("B200", 8.0e12, 2250e12, 75e12),
    Device("MI300X", 5.3e12, 1307e12, 163.4e12),
)


CPU = Device("CPU, 2 cores", 34e9, 198e9, 198e9, 170e-6)
"""Measured where this was developed (AVX512). A call's cost is fitted to `basis_lora` beside
`multi_lora` at h 64 (benchmarks/crossover.py)."""


def device_of(device: torch.device) -> Device | None:
    """The ceilings of a device, a GPU's by its name; None: not known here."""
    if device.type == "cpu":
        return CPU
    if device.type != "cuda":
        return None
    found = torch.cuda.get_device_name(device)
    return next((gpu for gpu in GPUS if gpu.name.split()[0] in found), None)


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
        return sum(self.lengths)

    @property
    def size(self) -> int:
        return self.dtype.itemsize

    def blocks(self, width: int) -> tuple[int, int, int]:
        """Rows per block, blocks, and blocks the tables have room for."""
        bound = self.tokens if self.max_segments is None else self.max_segments
        rows = plans.row_block(self.tokens, bound, width, self.rank, self.dtype)
        used = sum(-(-length // rows) for length in self.lengths)
        return rows, used, min(self.tokens, self.tokens // rows + bound)


@dataclass(frozen=True)
class Cost:
    """What one operator takes on one batch."""

    least: int  # bytes
    issued: int  # bytes
    flops: int
    launches: int
    programs: int
    useful: int  # programs that have something to do

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.least + other.least,
            self.issued + other.issued,
            self.flops + other.flops,
            self.launches + other.launches,
            self.programs + other.programs,
            self.useful + other.useful,
        )

    def seconds(self, gpu: Device) -> float:
        """Modelled time: the roofline of the issued bytes."""
        return max(self.issued / gpu.bytes_per_second, self.flops / gpu.flops_per_second)


def shrink(batch: Batch, width: int) -> Cost:
    """`lora_shrink` over rows of `width`."""
    plan = plans.shrink_plan(width, batch.rank, batch.dtype, batch.arch)
    rows, blocks, capacity = batch.blocks(width)
    x = batch.tokens * width * batch.size
    adapter = batch.rank * width * batch.size
    s = plan.planes * batch.tokens * batch.rank * 4
    side = min(capacity, plans.at_most(rows, plan.planes))
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
    """`lora_expand` into rows of `width`.

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
    kept = 0 if mode == "in place" else batch.tokens * batch.rank * batch.size
    side = min(capacity, plans.at_most(rows, groups))
    programs = side * groups
    tables = (
        groups * (20 * blocks + 8 * batch.tokens) + (4 if mode == "in place" else 12) * programs
    )
    return Cost(
        least=y + len(batch.lengths) * adapter + s + kept,
        issued=y + blocks * adapter + groups * s + kept + tables,
        flops=2 * batch.tokens * batch.rank * width,
        launches=1,
        programs=programs,
        useful=min(blocks, side) * groups,
    )


def grad(batch: Batch, width: int) -> Cost:
    """Gradient of one adapter matrix with rows of `width`."""
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
    """Inference: shrink, and expand in place."""
    return shrink(batch, batch.in_features) + expand(batch, batch.out_features)


def training(batch: Batch) -> Cost:
    """`multi_lora` with a residual, and the gradients of x, A and B."""
    forth = shrink(batch, batch.in_features) + expand(batch, batch.out_features, mode="training")
    back = shrink(batch, batch.out_features) + expand(batch, batch.in_features, mode="gradient")
    return forth + back + grad(batch, batch.in_features) + grad(batch, batch.out_features)


def table(batches: dict[str, Batch], of: Callable[[Batch], Cost]) -> list[str]:
    """Markdown rows: bytes against the least, programs, modelled microseconds per GPU."""
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
    """One table per operator, at the ranks whose bars are widest apart."""
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
    from t2l_kernels.peers import comparison

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
