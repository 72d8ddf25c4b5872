"""Tables of docs/guides/cost.md: the published Mistral-7B run on one H100, modelled."""

from __future__ import annotations

import argparse

from t2l_fast.train.cost import Step, copies, parts, published
from t2l_kernels import GPUS

H100 = next(gpu for gpu in GPUS if gpu.name.startswith("H100"))
STEPS = 1_180_000
PUBLISHED_SECONDS = 5 * 86_400 / STEPS
"""Of a step: "about 5 days on one H100" (README of SakanaAI/text-to-lora)."""


def main() -> None:
    """Print the parts of a published training step."""
    parser = argparse.ArgumentParser(prog="python -m t2l_fast.train.cost")
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 256, 512], help="of a row")
    parser.add_argument("--labels", type=int, default=64, help="of them")
    parser.add_argument("--share", type=float, default=0.5, help="of peak FLOP/s, assumed")
    parser.add_argument("--bandwidth-share", type=float, default=0.8, help="of memory, assumed")
    shares = parser.parse_args()
    print(
        f"{H100.name}, modelled: {H100.flops_per_second / 1e12:.0f} TFLOP/s dense bf16 "
        f"({H100.fp32_flops_per_second / 1e12:.0f} fp32) × {shares.share}, "
        f"{H100.bytes_per_second / 1e12} TB/s × {shares.bandwidth_share}; {shares.labels} labels a "
        f"row.\nPublished: {1e3 * PUBLISHED_SECONDS:.0f} ms a step, 5 days; its tokens a row are "
        "not known.\n"
    )
    for tokens in shares.tokens:
        step = published(tokens, shares.labels)
        print("\n".join(table(step, shares.share, shares.bandwidth_share)) + "\n")


def table(step: Step, share: float, bandwidth_share: float) -> list[str]:
    """Return Markdown: a row for each part, then what they come to."""
    lines = [
        f"| 8 rows of {step.lengths[0]} tokens | TFLOP | GB | ms by FLOPs | ms by bytes |",
        "|---|---|---|---|---|",
    ]
    whole = parts(step)
    times = [part.seconds(H100, share, bandwidth_share) for part in whole]
    for part, (by_flops, by_bytes) in zip(whole, times, strict=True):
        lines.append(
            f"| {part.name} | {part.flops / 1e12:.3f} | {part.bytes / 1e9:.2f} "
            f"| {1e3 * by_flops:.2f} | {1e3 * by_bytes:.2f} |"
        )
    flops, moved = (sum(getattr(part, name) for part in whole) for name in ("flops", "bytes"))
    by_flops, by_bytes = (1e3 * sum(column) for column in zip(*times, strict=True))
    lines.append(
        f"| all | {flops / 1e12:.1f} | {moved / 1e9:.1f} | {by_flops:.0f} | {by_bytes:.0f} |"
    )
    seconds = sum(map(max, times))
    held, more = copies(step)
    slow = more / (H100.bytes_per_second * bandwidth_share)
    return [
        *lines,
        "",
        f"{1e3 * seconds:.0f} ms a step (the larger of each row), "
        f"{seconds * STEPS / 86_400:.1f} days for {STEPS:,} steps. In the published "
        f"{1e3 * PUBLISHED_SECONDS:.0f} ms these FLOPs are {flops / PUBLISHED_SECONDS / 1e12:.0f} "
        f"TFLOP/s. Copies of A and B for every token, which are not made here: {held / 1e9:.1f} GB "
        f"held, {more / 1e9:.0f} GB moved, {1e3 * slow:.0f} ms.",
    ]


if __name__ == "__main__":
    main()
