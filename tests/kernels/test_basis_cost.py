"""When cores beat materialised adapters: bytes, crossovers and the decision for a model."""

import pytest
import torch

from t2l_kernel_tools.cost.basis import crossover, even, training, wins
from t2l_kernels._core.roofline import CPU as CPU_CEILINGS
from t2l_kernels._core.roofline import GPUS, Device, device_of
from t2l_kernels.basis.cost import (
    Linears,
    core_bytes,
    cores_win,
    inference,
    materialised,
    materialised_bytes,
    seconds,
)
from t2l_kernels.lora.cost import Batch

H100 = GPUS[1]


def test_an_adapter_as_cores_is_an_eighth_of_one_that_is_materialised():
    batch = Batch((1,), rank=8)
    assert core_bytes(batch, 512) == 2 * 8 * 512 * 2
    assert materialised_bytes(batch) == 8 * core_bytes(batch, 512)


def test_the_least_is_every_operand_once():
    batch = Batch((1, 1), in_features=64, out_features=32, rank=8, dtype=torch.float16)
    first, core, last, keep = inference(batch, 16)
    assert first.least == 2 * (2 * 64 + 64 * 16 + 2 * 16)
    assert core.least == 2 * (2 * 16 + 2 * 8 + 2 * 16 + 2 * 2 * 8 * 16)
    assert last.least == 2 * (2 * 16 + 16 * 32 + 2 * 2 * 32) and keep.least == 0
    cached = inference(batch, 16, cached=True)
    assert first.least - cached[0].least == 2 * 64 * 16
    assert last.least - cached[2].least == 2 * 16 * 32
    assert sum(part.launches for part in training(batch, 16)) == 13


@pytest.mark.parametrize("cached", [False, True], ids=["from memory", "from L2"])
def test_the_crossover_is_where_cores_begin_to_win(cached):
    batch_of = even(rank=8)
    found = crossover(batch_of, 512, H100, cached=cached)
    assert found is not None and wins(batch_of(found), 512, H100, cached=cached)
    if cached:
        assert found == 1
    else:
        assert 73 <= found <= 100  # anchors: above 73 to 80, before the residual's copy
        assert not wins(batch_of(found - 1), 512, H100)


def test_launches_move_the_crossover_up_and_prefill_never_crosses():
    batch_of = even(rank=8)
    free, priced = (crossover(batch_of, 512, H100, per_launch=t) for t in (0.0, 2e-6))
    assert free is not None and priced is not None and free < priced < 1024
    assert crossover(even(128, rank=8), 512, H100) is None
    batch = batch_of(1024)
    assert seconds(inference(batch, 512), H100) < seconds(materialised(batch), H100)


CPU = torch.device("cpu")
FAST_MATH = Device("multiplies for nothing", 1e12, 1e18, 1e18)
FAST_MEMORY = Device("reads for nothing", 1e18, 1e12, 1e12)


@pytest.mark.parametrize(
    ("device", "adapters", "expected"),
    [
        (FAST_MATH, 1024, True),
        (FAST_MEMORY, 1024, False),
        (FAST_MATH, 1, False),  # two bases are more to read than one adapter
        (H100, 4096, True),
        (H100, 64, False),
        (None, 1024, None),
    ],
    ids=["bytes count", "FLOPs count", "one adapter", "H100, many", "H100, few", "unknown"],
)
def test_the_decision_for_a_model_follows_ceilings_and_adapters(
    monkeypatch, device, adapters, expected
):
    monkeypatch.setattr("t2l_kernels.basis.cost.device_of", lambda _: device)
    linears = [Linears(32, 4096, 4096, 512), Linears(32, 4096, 1024, 512)]
    assert cores_win(linears, adapters, 8, torch.bfloat16, CPU) is expected


def test_the_decision_weighs_linears_by_their_layers(monkeypatch):
    """Cores win for wide linears and lose for narrow ones: whichever are more decide."""
    device = Device("even", 1e12, 2e13, 2e13, launch_seconds=0.0)
    monkeypatch.setattr("t2l_kernels.basis.cost.device_of", lambda _: device)
    sizes = [(8192, 8192), (64, 64)]

    def verdict(*layers: int) -> bool | None:
        linears = [Linears(n, *size, 64) for n, size in zip(layers, sizes, strict=True)]
        return cores_win(linears, 256, 8, torch.bfloat16, CPU)

    assert verdict(1, 0) is True and verdict(0, 1) is False
    assert verdict(1, 100_000) is False and verdict(100_000, 1) is True


def test_a_call_on_a_cpu_costs_what_was_fitted():
    """docs/kernels/: measured 1.56, 1.16, 0.76 and 0.57 at h 64; the model stays within 1.35×."""
    for adapters, measured in ((16, 1.56), (64, 1.16), (256, 0.76), (1024, 0.57)):
        batch = even(rank=8, dtype=torch.float32)(adapters)
        mine, theirs = (
            seconds(parts, CPU_CEILINGS, per_launch=CPU_CEILINGS.launch_seconds)
            for parts in (inference(batch, 64), materialised(batch))
        )
        assert 1 / 1.35 < mine / theirs / measured < 1.35


def test_fp32_takes_the_fp32_ceiling():
    """At 67 TFLOP/s the bases' FLOPs outweigh the bytes that they save."""
    assert H100.of(torch.bfloat16) == H100 and H100.of(torch.float32).flops_per_second == 67e12
    batch = even(rank=8, dtype=torch.float32)(4096)
    assert wins(batch, 512, H100) and not wins(batch, 512, H100.of(torch.float32))


@pytest.mark.parametrize(
    ("name", "found"),
    [("NVIDIA H100 80GB HBM3", "H100 SXM"), ("AMD Instinct MI300X", "MI300X"), ("RTX 2080", None)],
)
def test_a_gpu_is_known_by_its_name(monkeypatch, name, found):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    device = device_of(torch.device("cuda"))
    assert (device and device.name) == found
    assert device_of(torch.device("meta")) is None
