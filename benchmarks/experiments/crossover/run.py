"""From how many adapters cores over shared bases win: modelled for GPUs, checked on this CPU.

    python benchmarks/experiments/crossover/run.py [--output docs/crossover.png]

The CPU's curves come from the same formulas, with the matmul rate and the read bandwidth that were
measured just before, and a call's cost that was fitted to h 64; its dots are times of `basis_lora`
over `multi_lora` on equal adapters.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "kernels")]

from benchmarks.ops.inputs import Inputs, Shape  # noqa: E402
from benchmarks.paired import milliseconds  # noqa: E402
from t2l_fast.ops import basis_lora, multi_lora  # noqa: E402
from t2l_kernel_tools.cost.basis import crossover, even  # noqa: E402
from t2l_kernels._core.roofline import CPU, GPUS, Device  # noqa: E402
from t2l_kernels.basis.cost import inference, materialised, seconds  # noqa: E402

D, RANK = 4096, 8
HIDDEN = (64, 128, 512)
ADAPTERS = tuple(2**i for i in range(13))
CHECKED = (16, 64, 256, 1024)


def modelled(adapters: int, hidden: int, device: Device, dtype: torch.dtype) -> float:
    """Time of cores over time of materialised adapters."""
    batch = even(rank=RANK, dtype=dtype)(adapters)
    mine, theirs = (
        seconds(parts, device.of(dtype), per_launch=device.launch_seconds)
        for parts in (inference(batch, hidden), materialised(batch))
    )
    return mine / theirs


def ceilings() -> Device:
    """This CPU's fp32 matmul rate and read bandwidth."""
    a, b = torch.randn(1024, D), torch.randn(D, 512)
    large = torch.randn(1 << 26)  # 256 MB: beyond every cache
    times = milliseconds({"mm": lambda: a @ b, "sum": large.sum}, rounds=9)
    flops = 2e3 * a.shape[0] * D * b.shape[1] / times["mm"]
    bandwidth = 1e3 * large.nbytes / times["sum"]
    return Device("CPU", bandwidth, flops, flops, CPU.launch_seconds)


@torch.no_grad()
def measured(adapters: int, hidden: int) -> float:
    """Time of cores over time of materialised adapters, fp32, one token each."""
    i = Inputs.make(Shape(adapters, "distinct", width=D, rank=RANK))
    basis_a, basis_b = torch.randn(hidden, D) / D**0.5, torch.randn(D, hidden) / hidden**0.5
    core_a, core_b = (torch.randn(adapters, RANK, hidden) / hidden**0.5 for _ in range(2))
    lora_a, lora_b = core_a @ basis_a, core_b @ basis_b.T
    rest: dict[str, Any] = {"scalings": i.scalings, "residual": i.y}
    route = i.route("torch")
    cores = basis_a, core_a, core_b, basis_b, route
    times = milliseconds(
        {
            "cores": lambda: basis_lora(i.x, *cores, **rest),
            "materialised": lambda: multi_lora(i.x, lora_a, lora_b, route, **rest),
        },
        rounds=11,
    )
    return times["cores"] / times["materialised"]


def draw(path: Path, cpu: Device, points: dict[int, list[float]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for hidden, colour in zip(HIDDEN, ("tab:blue", "tab:orange", "tab:green"), strict=True):
        for gpu, style in ((GPUS[1], "-"), (GPUS[3], "--")):
            curve = [modelled(n, hidden, gpu, torch.bfloat16) for n in ADAPTERS]
            left.plot(ADAPTERS, curve, style, color=colour, label=f"h {hidden}, {gpu.name}")
        curve = [modelled(n, hidden, cpu, torch.float32) for n in ADAPTERS]
        right.plot(ADAPTERS, curve, "-", color=colour, label=f"h {hidden}, modelled")
        right.plot(CHECKED, points[hidden], "o", color=colour, label=f"h {hidden}, measured")
    left.set_title(f"modelled: bf16, {1e6 * GPUS[1].launch_seconds:.0f} µs assumed per launch")
    right.set_title("this CPU: fp32, measured beside modelled")
    for axis in (left, right):
        axis.axhline(1.0, color="grey", linewidth=0.8)
        axis.set(xscale="log", yscale="log", xlabel="distinct adapters, one token each")
        axis.legend(fontsize=7)
    left.set_ylabel(f"time of cores / of A and B (d {D}, r {RANK})")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "crossover.png")
    options = parser.parse_args(argv)
    cpu = ceilings()
    points = {hidden: [measured(n, hidden) for n in CHECKED] for hidden in HIDDEN}
    rows = [
        {
            "h": hidden,
            "adapters": n,
            "measured": round(ratio, 2),
            "modelled": round(modelled(n, hidden, cpu, torch.float32), 2),
        }
        for hidden in HIDDEN
        for n, ratio in zip(CHECKED, points[hidden], strict=True)
    ]
    found = {
        gpu.name: {
            h: crossover(even(rank=RANK), h, gpu, per_launch=gpu.launch_seconds) for h in HIDDEN
        }
        for gpu in GPUS
    }
    print(f"{cpu.flops_per_second / 1e9:.0f} GFLOP/s, {cpu.bytes_per_second / 1e9:.0f} GB/s")
    for line in (*rows, {"cores win from (modelled)": found}):
        print(json.dumps(line))
    draw(options.output, cpu, points)
    return 0


if __name__ == "__main__":
    sys.exit(main())
