"""Build: one kernel as it would be compiled for one machine, without the machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

TRITON_TYPES = {
    torch.float32: "fp32",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.int32: "i32",
    torch.int64: "i64",
}


ROUTE_POINTERS = {
    "order_ptr": torch.int64,
    "blocks_ptr": torch.int32,
    "summary_ptr": torch.int32,
    "segment_slots_ptr": torch.int32,
    "segment_starts_ptr": torch.int32,
    "scalings_ptr": torch.float32,
}
"""What kernels over a route read, by the names of their arguments."""


@dataclass(frozen=True)
class Build:
    """A kernel, the types of its arguments and its compile-time values.

    All builds of one `plan` and arch must show the same instruction family, whatever their block
    size and mode.
    """

    op: str
    plan: str
    shape: str
    dtype: torch.dtype
    arch: str
    kernel: Callable
    pointers: Mapping[str, torch.dtype]  # those given; other *_ptr arguments are None
    constants: Mapping[str, object]  # constexpr arguments, num_warps, num_stages and other options
    divisible: frozenset[str] = field(default=frozenset())  # integers that 16 divides
    floats: frozenset[str] = field(default=frozenset())  # scalars that are fp32, not integers

    def signature(self) -> dict[str, str]:
        """Return Triton's signature: the type of every argument by name."""
        types = {}
        for name in self.kernel.arg_names:
            if name in self.constants or (name.endswith("_ptr") and name not in self.pointers):
                types[name] = "constexpr"
            elif name in self.pointers:
                types[name] = f"*{TRITON_TYPES[self.pointers[name]]}"
            else:
                types[name] = "fp32" if name in self.floats else "i32"
        return types
