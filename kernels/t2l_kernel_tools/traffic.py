"""What kernels really load and store, counted under Triton's interpreter.

The interpreter hands every load and store its addresses and its mask; no device is involved. Caches
are not modelled: `issued` is what all programs ask for, `distinct` what a perfect cache would move.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
from triton.runtime.interpreter import interpreter_builder

SECTOR = 32
"""Bytes that a GPU moves at least (NVIDIA's sector; half of AMD's 64-byte one)."""


@dataclass
class Launch:
    """One kernel launch."""

    programs: int
    issued: int = 0  # bytes of live lanes, loads and stores
    busy: set[tuple[int, ...]] = field(default_factory=set)  # programs that stored something
    loads: list[np.ndarray] = field(default_factory=list)  # sectors, unique per access
    stores: list[np.ndarray] = field(default_factory=list)

    @property
    def distinct(self) -> int:
        """Bytes in distinct sectors, loads and stores apart."""
        kinds = [np.unique(np.concatenate(k)).size for k in (self.loads, self.stores) if k]
        return SECTOR * sum(kinds)


@dataclass
class Traffic:
    """All launches while counting."""

    launches: list[Launch] = field(default_factory=list)

    @property
    def issued(self) -> int:
        """Bytes that all launches asked for."""
        return sum(launch.issued for launch in self.launches)

    @property
    def distinct(self) -> int:
        """Bytes in the distinct sectors of every launch."""
        return sum(launch.distinct for launch in self.launches)

    @property
    def programs(self) -> int:
        """Programs of all launches."""
        return sum(launch.programs for launch in self.launches)

    @property
    def useful(self) -> int:
        """Programs of all launches that stored something."""
        return sum(len(launch.busy) for launch in self.launches)


@contextmanager
def count_traffic() -> Iterator[Traffic]:
    """Count what interpreted kernels move (TRITON_INTERPRET=1, CPU tensors)."""
    traffic = Traffic()
    builder = interpreter_builder
    load, store, dim = (
        builder.create_masked_load, builder.create_masked_store, builder.set_grid_dim
    )  # fmt: skip

    def note(pointers, mask, sectors: list[np.ndarray]) -> bool:
        live = pointers.data[np.broadcast_to(mask.data.astype(bool), pointers.data.shape)]
        size = pointers.get_element_ty().primitive_bitwidth // 8
        traffic.launches[-1].issued += size * live.size
        sectors.append(np.unique(live // SECTOR))
        return live.size > 0

    def counted_load(pointers, mask, *rest):
        note(pointers, mask, traffic.launches[-1].loads)
        return load(pointers, mask, *rest)

    def counted_store(pointers, value, mask, *rest):
        if note(pointers, mask, traffic.launches[-1].stores):
            traffic.launches[-1].busy.add(builder.grid_idx)
        return store(pointers, value, mask, *rest)

    def counted_dim(*grid: int):
        traffic.launches.append(Launch(int(np.prod(grid))))
        return dim(*grid)

    counted = {
        "create_masked_load": counted_load,
        "create_masked_store": counted_store,
        "set_grid_dim": counted_dim,
    }
    with patch.multiple(builder, **counted):
        yield traffic
