"""What `t2l_kernel_tools.aot` compiles of the route kernels."""

import itertools
from collections.abc import Iterator

import torch

from t2l_kernel_tools.builds.build import Build
from t2l_kernels._core.arch import BLOCK_SIZES
from t2l_kernels.routing.kernel import (
    route_blocks_kernel,
    route_order_kernel,
    route_tables_kernel,
)
from t2l_kernels.routing.launch import CUT_CHUNK, SORTED_IN_KERNEL

_WIDE = {"item_order_ptr", "order_ptr", "first_tokens_ptr"}


def builds(arch: str, *, quick: bool) -> Iterator[Build]:
    """Yield tables and orders of tokens and sequences, both chunk sizes; quick: one of each."""
    small, large = BLOCK_SIZES
    tables = [(True, False, SORTED_IN_KERNEL, True)]
    orders = [(False, 1024)]
    if not quick:
        flags = (True, False)
        tables = list(itertools.product(flags, flags, (64, SORTED_IN_KERNEL), flags))
        orders = list(itertools.product(flags, (64, 1024)))
    for sorts, lengths, chunk, cut in tables:
        shape = ("sorts" if sorts else "sorted") + (", ragged" if lengths else "")
        shape += f", {chunk}" + (", cut" if cut else "")
        constants = {"SORT": sorts, "HAS_LENGTHS": lengths, "CHUNK": chunk, "CUT": cut}
        constants |= {"SMALL": small, "LARGE": large}
        yield _build(arch, "route_tables", shape, route_tables_kernel, constants, lengths)
    for size in BLOCK_SIZES[: 1 if quick else None]:
        constants = {"SIZE": size, "CHUNK": CUT_CHUNK}
        yield _build(arch, "route_blocks", f"of {size}", route_blocks_kernel, constants, False)
    for lengths, chunk in orders:
        constants = {"HAS_LENGTHS": lengths, "CHUNK": chunk}
        shape = ("ragged" if lengths else "equal lengths") + f", {chunk}"
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
