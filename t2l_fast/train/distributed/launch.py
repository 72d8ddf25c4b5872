"""Processes that a launcher started: how they find each other and talk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from t2l_fast.errors import ConfigError, DistributedError
from t2l_fast.train.distributed.digest import content_digest
from t2l_fast.train.distributed.processes import Processes

T = TypeVar("T")
_SIZES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_PATIENCE = 1800.0  # seconds


class Launched(Processes):
    """A process that `torchrun`, `accelerate launch` or `mpirun` started, among others.

    Args:
        patience: seconds to wait for another process before the run ends with an error.

    Raises:
        ConfigError: accelerate is not installed, or joins no processes here.
        DistributedError: the others can't be reached.
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
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        # Apple's GPU has no backend to talk through
        lacking = accelerator is None or accelerator.type == "mps"
        cpu = lacking or parse_flag_from_env("ACCELERATE_USE_CPU")
        with _talk("joining the others"):
            self._state = PartialState(cpu=cpu, timeout=timedelta(seconds=patience))
        self.rank, self.count = self._state.process_index, self._state.num_processes
        self.device = self._state.device
        if self.count == 1:
            raise ConfigError(
                "a launch of several processes must let them talk to each other, but accelerate "
                f"found one alone on {self.device}: launch with torchrun"
            )

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Sum gradients over processes, in one call a dtype."""
        held = [p.grad for p in parameters if p.grad is not None]
        for dtype in dict.fromkeys(g.dtype for g in held):
            group = [g for g in held if g.dtype == dtype]
            flat = torch.cat([g.flatten() for g in group])
            with _talk("summing gradients"):
                torch.distributed.all_reduce(flat)
            for gradient, part in zip(group, flat.split([g.numel() for g in group]), strict=True):
                gradient.copy_(part.view_as(gradient))

    def totals(self, *values: float) -> list[float]:
        """Sum each value over processes."""
        held = torch.tensor(values, dtype=torch.float64, device=self.device)
        with _talk("adding up a step"):
            torch.distributed.all_reduce(held)
        return held.tolist()

    def largest(self, value: int) -> int:
        """Return the greatest value of any process."""
        held = torch.tensor(value, device=self.device)
        with _talk("counting micro-batches"):
            torch.distributed.all_reduce(held, torch.distributed.ReduceOp.MAX)
        return int(held)

    def of_main(self, value: T) -> T:
        """Return the main process's value."""
        from accelerate.utils import broadcast_object_list

        with _talk("hearing from the main process"):
            return broadcast_object_list([value])[0]

    def gather(self, value: T) -> list[T]:
        """Return every process's value, by rank."""
        from accelerate.utils import gather_object

        with _talk("collecting results"):
            return gather_object([value])

    def copy_main(self, tensors: Iterable[Tensor]) -> None:
        """Copy the main process's tensors into all others'."""
        with _talk("copying the main process's weights"), torch.no_grad():
            for tensor in tensors:
                held = tensor.detach().to(self.device).contiguous()
                torch.distributed.broadcast(held, 0)
                tensor.copy_(held)

    def check_equal(self, tensors: Mapping[str, Tensor]) -> None:
        """Raise unless all processes hold the same tensors and random state."""
        digests = self.gather(content_digest([torch.get_rng_state(), *tensors.values()]))
        differing = [rank for rank, other in enumerate(digests) if other != digests[0]]
        if differing:
            raise DistributedError(
                "all processes must hold the same generator and random state, but those of "
                f"{differing} differ from process 0's: resume from the last checkpoint, on "
                "machines of one kind"
            )

    def check_same(self, agreed: Any) -> None:
        """Raise unless all processes have the same tasks and settings."""
        digest = hashlib.sha256(json.dumps(agreed, sort_keys=True, default=str).encode())
        if len(set(self.gather(digest.hexdigest()))) > 1:
            raise DistributedError(
                "all processes must have the same tasks and settings, but theirs differ: a data "
                "set was left out in some, perhaps; run one process first, so that all are cached"
            )

    def wait(self) -> None:
        """Wait until all are here."""
        with _talk("waiting for the others"):
            self._state.wait_for_everyone()

    def leave(self) -> None:
        """Leave the group of processes."""
        self._state.destroy_process_group()


def join(patience: float = _PATIENCE) -> Processes:
    """Return this process among those that it was launched with, or alone.

    Raises:
        ConfigError, DistributedError: as for `Launched`.
    """
    return Launched(patience) if launched() else Processes()


def launched() -> bool:
    """Return whether a launcher's environment speaks of more than one process."""
    return any(int(os.environ.get(name) or 1) > 1 for name in _SIZES)


def stay_alone(command: str) -> None:
    """Refuse what several processes would do twice, into one folder.

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
        reason = str(error).strip().split("\n", 1)[0]
        raise DistributedError(
            f"{doing} failed, because another process ended or was too slow ({reason}): see its "
            "own error, and resume from the last checkpoint"
        ) from error
