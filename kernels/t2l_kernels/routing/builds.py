"""What `t2l_kernels.aot` compiles of the route kernels."""

from collections.abc import Iterator

import torch

from t2l_kernels.builds import Build
from t2l_kernels.plans import BLOCK_SIZES
from t2l_kernels.routing.kernel import route_order_kernel, route_tables_kernel
from t2l_kernels.routing.launch import SORTED_IN_KERNEL

_WIDE = {"item_order_ptr", "order_ptr", "first_tokens_ptr"}


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Small and large tables, tokens and sequences; quick: one of each kernel."""
    blocks = {"SMALL": BLOCK_SIZES[0], "LARGE": BLOCK_SIZES[1]}
    for sorts, lengths in (
        [(True, False)] if quick else [(True, False), (True, True), (False, True)]
    ):
        chunk = SORTED_IN_KERNEL
        shape = f"{'sorts' if sorts else 'sorted'}{', ragged' if lengths else ''}"
        constants = {"SORT": sorts, "HAS_LENGTHS": lengths, "CHUNK": chunk} | blocks
        yield _build(arch, "route_tables", shape, route_tables_kernel, constants, lengths)
    for lengths in [False] if quick else [False, True]:
        constants = {"HAS_LENGTHS": lengths, "CHUNK": 1024}
        shape = "ragged" if lengths else "equal lengths"
        yield _build(arch, "route_order", shape, route_order_kernel, constants, lengths)


def _build(arch: str, op: str, shape: str, kernel, constants: dict, lengths: bool) -> Build:
    absent = set() if lengths else {"lengths_ptr", "first_tokens_ptr"}
    names = [n for n in kernel.arg_names if n.endswith("_ptr") and n not in absent]
    return Build(
        op=op,
        plan=f"{op} {shape}",
        shape=shape,
        dtype=torch.int32,
        arch=arch,
        kernel=kernel,
        pointers={n: torch.int64 if n in _WIDE else torch.int32 for n in names},
        constants=constants | {"num_warps": 4},
    )
