"""The processes of one run: who takes which tasks, and what they tell each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from t2l_fast.errors import ConfigError, DistributedError

T = TypeVar("T")
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_PATIENCE = 1800.0  # seconds


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
        """Indices of this process's items: the dearest first, each to whoever has least so far.

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
        """This process's part of items in order, and whether it is its own.

        Who would get none repeats the first item, so that all work on something: of the parts laid
        end to end, what lies beyond the items is to be dropped.
        """
        size = -(-len(items) // self.count)
        own = list(items[self.rank * size : (self.rank + 1) * size])
        return own or list(items[:1]), bool(own)

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its sum over processes."""

    def totals(self, *values: float) -> list[float]:
        """Each value summed over processes."""
        return list(values)

    def largest(self, value: int) -> int:
        """The greatest that any process has."""
        return value

    def of_main(self, value: T) -> T:
        """What the main process has."""
        return value

    def gather(self, value: T) -> list[T]:
        """What every process has, by rank; pickled, so tensors should be on the CPU."""
        return [value]

    def copy_main(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with the main process's."""

    def check_equal(self, tensors: Mapping[str, Tensor]) -> None:
        """Compare the processes' tensors and random states, bit by bit.

        Raises:
            DistributedError: they differ.
        """

    def wait(self) -> None:
        """Until all are here."""

    def leave(self) -> None:
        """Close what connects the processes, when all went well."""


class Launched(Processes):
    """A process that `torchrun`, `accelerate launch` or `mpirun` started, among others.

    Args:
        patience: seconds to wait for another process before the run ends with an error.

    Raises:
        ConfigError: accelerate is not installed.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        try:
            from accelerate import PartialState
            from accelerate.utils import parse_flag_from_env
        except ImportError as error:
            raise ConfigError(
                "a run of several processes needs accelerate, got none: "
                "pip install 't2l_fast[train]', or start one process"
            ) from error
        cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
        with _talk("joining the others"):
            self._state = PartialState(cpu=cpu, timeout=timedelta(seconds=patience))
        self.rank, self.count = self._state.process_index, self._state.num_processes
        self.device = self._state.device

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        held = [p.grad for p in parameters if p.grad is not None]
        for dtype in dict.fromkeys(g.dtype for g in held):
            group = [g for g in held if g.dtype == dtype]
            flat = torch.cat([g.flatten() for g in group])
            with _talk("summing gradients"):
                torch.distributed.all_reduce(flat)
            for gradient, part in zip(group, flat.split([g.numel() for g in group]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def totals(self, *values: float) -> list[float]:
        held = torch.tensor(values, dtype=torch.float64, device=self.device)
        with _talk("adding up a step"):
            torch.distributed.all_reduce(held)
        return held.tolist()

    def largest(self, value: int) -> int:
        held = torch.tensor(value, device=self.device)
        with _talk("counting micro-batches"):
            torch.distributed.all_reduce(held, torch.distributed.ReduceOp.MAX)
        return int(held)

    def of_main(self, value: T) -> T:
        from accelerate.utils import broadcast_object_list

        with _talk("hearing from the main process"):
            return broadcast_object_list([value])[0]

    def gather(self, value: T) -> list[T]:
        from accelerate.utils import gather_object

        with _talk("collecting results"):
            return gather_object([value])

    def copy_main(self, tensors: Iterable[Tensor]) -> None:
        with _talk("copying the main process's weights"), torch.no_grad():
            for tensor in tensors:
                held = tensor.detach().to(self.device).contiguous()
                torch.distributed.broadcast(held, 0)
                tensor.copy_(held)

    def check_equal(self, tensors: Mapping[str, Tensor]) -> None:
        digest = hashlib.sha256(torch.get_rng_state().numpy())
        for tensor in tensors.values():
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        found = self.gather(digest.hexdigest())
        if len(set(found)) > 1:
            raise DistributedError(
                "all processes must hold the same generator and random state, but those of "
                f"{[rank for rank, other in enumerate(found) if other != found[0]]} differ from "
                "process 0's: resume from the last checkpoint, on machines of one kind"
            )

    def wait(self) -> None:
        with _talk("waiting for the others"):
            self._state.wait_for_everyone()

    def leave(self) -> None:
        self._state.destroy_process_group()


def join(patience: float = _PATIENCE) -> Processes:
    """This process among those that it was launched with, or alone.

    Raises:
        ConfigError: launched among others, but accelerate is not installed.
        DistributedError: the others can't be reached.
    """
    return Launched(patience) if launched() else Processes()


def launched() -> bool:
    """Whether a launcher's environment speaks of more than one process."""
    return any(int(os.environ.get(name) or 1) > 1 for name in _SIZES)


def stay_alone(command: str) -> None:
    """For what several processes would do twice, into one folder.

    Raises:
        ConfigError: this is one of several.
    """
    if launched():
        raise ConfigError(
            f"{command} runs in one process, got a launch of several: start it without a launcher"
        )


@contextmanager
def _talk(doing: str) -> Iterator[None]:
    """Makes one sentence of what a backend says when another process is gone."""
    try:
        yield
    except (RuntimeError, ConnectionError) as error:
        reason: Any = str(error).strip().split("\n", 1)[0]
        raise DistributedError(
            f"{doing} failed, because another process ended or was too slow ({reason}): see its "
            "own error, and resume from the last checkpoint"
        ) from error
