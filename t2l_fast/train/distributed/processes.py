"""The processes of one run: who takes which tasks, and what they tell each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")


class Processes:
    """One process alone: everything is its own, and there is nobody to wait for.

    Fields:
        rank: of this process, from 0.
        count: how many there are.
        device: where this process computes; None = wherever its model is.
    """

    rank: int = 0
    count: int = 1
    device: torch.device | None = None

    @property
    def main(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.rank == 0

    def share(self, costs: Sequence[int]) -> list[int]:
        """Return this process's indices: the dearest first, each to whoever has least so far.

        Every process computes the same shares; none is empty if there are items enough, and all
        costs are positive.
        """
        owned: list[list[int]] = [[] for _ in range(self.count)]
        loads = [0] * self.count
        for index in sorted(range(len(costs)), key=lambda i: -costs[i]):
            least = loads.index(min(loads))
            owned[least].append(index)
            loads[least] += costs[index]
        return sorted(owned[self.rank])

    def chunk(self, items: Sequence[T]) -> tuple[list[T], bool]:
        """Return this process's part of items in order, and whether it is its own.

        Who would get none repeats the first item, so that all work on something. Of the parts laid
        end to end, what lies beyond the items is to be dropped.
        """
        size = -(-len(items) // self.count)
        own = list(items[self.rank * size : (self.rank + 1) * size])
        return own or list(items[:1]), bool(own)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over processes."""

    def totals(self, *values: float) -> list[float]:
        """Sum each value over processes."""
        return list(values)

    def largest(self, value: int) -> int:
        """Return the greatest value of any process."""
        return value

    def of_main(self, value: T) -> T:
        """Return the main process's value."""
        return value

    def gather(self, value: T) -> list[T]:
        """Return every process's value, by rank; pickled, so tensors should be on the CPU."""
        return [value]

    def copy_main(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with the main process's."""

    def check_equal(self, tensors: Mapping[str, Tensor]) -> None:
        """Compare the processes' tensors and random states, bit by bit.

        Raises:
            DistributedError: they differ.
        """

    def check_same(self, agreed: Any) -> None:
        """Compare what the processes were told to do: plain data.

        Raises:
            DistributedError: they differ.
        """

    def wait(self) -> None:
        """Wait until all are here."""

    def leave(self) -> None:
        """Close what connects the processes, when all went well."""
