"""The registry's operators over the popularity grid on the CPU, each beside its peers."""

import pytest
import torch

from benchmarks.ops.inputs import Inputs, Shape
from benchmarks.ops.popularity import POPULARITY
from benchmarks.ops.registry import OPS

TOKENS = {"shrink": 256, "expand": 256, "inference": 256, "basis": 256, "training": 128}


@pytest.mark.parametrize("popularity", POPULARITY)
@pytest.mark.parametrize("name", OPS)
def test_operator_beside_its_peers(name, popularity, paired):
    op = OPS[name]
    shape = Shape(TOKENS[name], popularity, width=1024)
    inputs = Inputs.make(shape)
    runs = {"torch": op.implementations["torch"]} | op.peers
    for variant in runs:
        op.check(variant, inputs)
    with torch.set_grad_enabled(name == "training"):
        times = paired.milliseconds(
            {variant: (lambda run=run: run(inputs)) for variant, run in runs.items()}, rounds=7
        )
    ratios = {peer: times[peer] / times["torch"] for peer in op.peers}
    shown = ", ".join(f"{peer} {ratio:.1f}×" for peer, ratio in ratios.items())
    paired.add(
        f"{op.name}, {popularity}",
        str(shape),
        "—",
        f"{times['torch']:.2f} ms; {shown}",
        **times,
        least_mb=op.cost(shape.batch).least / 1e6,
    )
