"""Roofline: a device's ceilings, and what an operator asks of it.

Times are *modelled*: the larger of issued bytes over memory bandwidth and FLOPs over peak, from
datasheets. Caches make the bytes fewer; launches and ramps make the time longer.
"""

from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True)
class Device:
    """Ceilings: of a GPU from its datasheet, dense; of a CPU measured."""

    name: str
    bytes_per_second: float
    flops_per_second: float  # of 16-bit matmuls
    fp32_flops_per_second: float
    launch_seconds: float = 2e-6  # assumed, ramps included; no GPU was there to ask

    def of(self, dtype: torch.dtype) -> "Device":
        """Return the same device with the FLOPs of `dtype`."""
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
`multi_lora` at h 64 (benchmarks/experiments/crossover/run.py)."""


def device_of(device: torch.device) -> Device | None:
    """Return a device's ceilings, a GPU's by its name; None: not known here."""
    if device.type == "cpu":
        return CPU
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((gpu for gpu in GPUS if gpu.name.split()[0] in name), None)


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
        """Return the modelled time in seconds: the roofline of the issued bytes."""
        return max(self.issued / gpu.bytes_per_second, self.flops / gpu.flops_per_second)
