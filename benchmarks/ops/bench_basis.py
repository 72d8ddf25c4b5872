"""Adapters as cores over shared bases beside the same adapters materialised: state and time."""

import pytest
import torch

from benchmarks.ops.inputs import Inputs, Shape
from t2l_fast.ops import basis_lora, multi_lora

D, RANK = 4096, 8


@torch.no_grad()
@pytest.mark.parametrize("hidden", [64, 512])
@pytest.mark.parametrize("adapters", [64, 256, 1024])
def test_cores_beside_materialised_adapters(adapters, hidden, paired):
    i = Inputs.make(Shape(adapters, "distinct", width=D, rank=RANK))
    basis_a, basis_b = torch.randn(hidden, D) / D**0.5, torch.randn(D, hidden) / hidden**0.5
    core_a, core_b = (torch.randn(adapters, RANK, hidden) / hidden**0.5 for _ in range(2))
    lora_a, lora_b = core_a @ basis_a, core_b @ basis_b.T
    route = i.route("torch")

    def cores() -> torch.Tensor:
        weights = basis_a, core_a, core_b, basis_b, route
        return basis_lora(i.x, *weights, scalings=i.scalings, residual=i.y)

    def materialised() -> torch.Tensor:
        return multi_lora(i.x, lora_a, lora_b, route, scalings=i.scalings, residual=i.y)

    torch.testing.assert_close(cores(), materialised(), rtol=1e-3, atol=1e-3)
    times = paired.milliseconds({"cores": cores, "materialised": materialised}, rounds=11)
    state = (core_a.nbytes + core_b.nbytes) / (lora_a.nbytes + lora_b.nbytes)
    paired.add(
        "cores over shared bases beside materialised adapters",
        f"{adapters} distinct adapters, one token each, h {hidden}, d {D}, r {RANK}",
        "state ≤ 1/6" if hidden == 512 else "—",
        f"state 1/{1 / state:.0f} per adapter, time {times['cores'] / times['materialised']:.2f}× "
        f"({times['cores']:.1f} and {times['materialised']:.1f} ms)",
        state=state,
        **times,
    )
