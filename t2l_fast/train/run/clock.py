"""StepClock: where the time of a step goes, and how much memory it took."""

from __future__ import annotations

import sys
import time

import torch

PARTS = ("data", "generate", "forward", "backward", "optimizer")


class StepClock:
    """Seconds of a step's parts. Waits for a GPU at every mark, so that work counts where it is.

    Args:
        device: where the model runs.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.parts: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._last = self._now()

    def mark(self, part: str) -> None:
        """Count what ran since the last mark as `part`."""
        now = self._now()
        self.parts[part] += now - self._last
        self._last = now

    def line(self, tokens: int) -> dict[str, float]:
        """Return metrics of the whole step."""
        whole = sum(self.parts.values())
        named = {f"seconds_{part}": seconds for part, seconds in self.parts.items()}
        rate = tokens / whole if whole else 0.0
        peak = peak_megabytes(self.device)
        return {"seconds": whole} | named | {"tokens_per_second": rate, "peak_mb": peak}

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def peak_megabytes(device: torch.device) -> float:
    """Return the most memory so far: allocated on a GPU, resident on a CPU (0 if not known)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
