"""Workspace: scratch memory that calls on one stream use again and again."""

import math

import torch
from torch import Tensor

from t2l_kernels._core.checks import T2LError


class WorkspaceError(T2LError, RuntimeError):
    """A workspace would have to grow while a CUDA graph is captured."""


class Workspace:
    """One buffer per device and stream, as large as the largest request so far.

    What `take` returns is overwritten by the next `take` on the same stream: for intermediates that
    the next kernel reads, never for what autograd keeps. A buffer that a graph was captured with is
    kept when a larger one takes its place, since replays write to it.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[torch.device, int], Tensor] = {}
        self._captured: set[int] = set()
        self._outgrown: list[Tensor] = []

    @property
    def nbytes(self) -> int:
        """Bytes held, outgrown buffers of captured graphs included."""
        return sum(t.numel() for t in (*self._buffers.values(), *self._outgrown))

    def take(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return uninitialised memory of this shape, valid until the next call on this stream.

        Args:
            shape: of the result.
            dtype: of the result.
            device: where it lies; the buffer belongs to this device's current stream.

        Raises:
            WorkspaceError: a graph is being captured and the buffer is too small.
        """
        stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
        key = (device, stream)
        needed = math.prod(shape) * dtype.itemsize
        buffer = self._buffers.get(key)
        in_graph = capturing(device)
        if buffer is None or buffer.numel() < needed:
            held = 0 if buffer is None else buffer.numel()
            if in_graph:
                raise WorkspaceError(
                    f"workspace must hold {needed} bytes before a graph is captured, got {held}: "
                    "run one call of the largest shape on this stream first"
                )
            if buffer is not None and buffer.data_ptr() in self._captured:
                self._outgrown.append(buffer)
            buffer = torch.empty(needed, dtype=torch.uint8, device=device)
            self._buffers[key] = buffer
        if in_graph:
            self._captured.add(buffer.data_ptr())
        return buffer[:needed].view(dtype).view(shape)


def capturing(device: torch.device) -> bool:
    """Return whether a CUDA graph is being captured on the device's current stream."""
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_current_stream_capturing()
