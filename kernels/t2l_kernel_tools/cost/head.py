"""Bytes and FLOPs of `head_into_slots` in the words of `t2l_kernels.lora.cost`.

Run `PYTHONPATH=kernels python -m t2l_kernel_tools.cost.head` for a table of docs/kernels/.
"""

import argparse
from dataclasses import dataclass

import torch

from t2l_kernels._core.roofline import GPUS, Cost
from t2l_kernels.heads.plans import head_plan


@dataclass(frozen=True)
class Call:
    """One call: rank rows of A, or of B, of all layers and adapters of a module.

    Fields:
        latent_rows: rank rows of the latents; R for architecture S, 1 for L and M.
        parts: rank rows of the weight; R for L and M, 1 for S.
        bias: `[parts, width]` in the latents' dtype.
        extras: how many of offset, mean and std are given.
    """

    layers: int
    adapters: int
    width: int
    h: int
    latent_rows: int = 1
    parts: int = 8
    bias: bool = True
    extras: int = 0
    dtype: torch.dtype = torch.bfloat16
    out_dtype: torch.dtype = torch.bfloat16
    arch: str = "sm_90"

    @property
    def rank(self) -> int:
        """Rank rows R of the call's result."""
        return max(self.latent_rows, self.parts)

    @property
    def rows(self) -> int:
        """Rows of one GEMM; there are as many GEMMs as the weight has rank rows."""
        return self.layers * self.adapters * (self.rank // self.parts)


def head_into_slots(call: Call) -> Cost:
    """Model one launch: every tile reads its latents and weight rows over all of h.

    The tile formula: latents once per tile of columns, weights once per tile of rows, both mostly
    from L2; what is written, once.
    """
    plan = head_plan(call.h, call.dtype, call.arch, extras=call.extras > 0)
    size = call.dtype.itemsize
    tall, wide = -(-call.rows // plan.block_m), -(-call.width // plan.block_n)
    latents = call.layers * call.adapters * call.latent_rows * call.h * size
    weight = call.parts * call.width * call.h * size
    bias = call.parts * call.width * size if call.bias else 0
    written = call.layers * call.adapters * call.rank * call.width * call.out_dtype.itemsize
    extra = call.extras * call.layers * call.rank * call.width * size
    slots = 4 * call.rows * call.parts
    # a latent of L or M is read by every rank row's GEMM
    again = call.parts if call.latent_rows == 1 else 1
    programs = tall * wide * call.parts
    return Cost(
        least=latents + weight + bias + extra + written,
        issued=again * wide * latents
        + tall * (weight + bias)
        + call.adapters * extra
        + written
        + wide * slots,
        flops=2 * call.layers * call.adapters * call.rank * call.width * call.h,
        launches=1,
        programs=programs,
        useful=programs,
    )


def mistral(adapters: int, h: int = 512, rank: int = 8) -> list[Call]:
    """Return architecture L's four calls on Mistral-7B's q and v: A and B of each."""
    widths = (4096, 4096, 4096, 1024)
    return [Call(32, adapters, width, h, parts=rank) for width in widths]


def table(h: int = 512) -> list[str]:
    """Return Markdown rows: numbers of whole generations, and modelled milliseconds per GPU."""
    names = " | ".join(gpu.name for gpu in GPUS)
    lines = [
        f"| adapters | TFLOP | least GB | issued GB | {names} |",
        "|---|---|---|---|" + "---|" * len(GPUS),
    ]
    for adapters in (1, 64, 1000):
        whole = [head_into_slots(call) for call in mistral(adapters, h)]
        flops, least, issued = (
            sum(getattr(part, name) for part in whole) for name in ("flops", "least", "issued")
        )
        times = " | ".join(
            f"{1e3 * max(flops / gpu.flops_per_second, least / gpu.bytes_per_second):.2f}"
            for gpu in GPUS
        )
        lines.append(
            f"| {adapters} | {flops / 1e12:.3f} | {least / 1e9:.2f} | "
            f"{issued / 1e9:.1f} | {times} |"
        )
    return lines


def main() -> None:
    """Print the table of modelled head launches."""
    parser = argparse.ArgumentParser(prog="python -m t2l_kernel_tools.cost.head")
    parser.add_argument("--h", type=int, default=512, help="what the heads read; default 512")
    print("Mistral-7B's q and v, architecture L, r 8, bf16, tiles of sm_90; ms, modelled: the")
    print("larger of the least bytes from memory and the FLOPs. Issued bytes come from L2.\n")
    print("\n".join(table(parser.parse_args().h)))


if __name__ == "__main__":
    main()
