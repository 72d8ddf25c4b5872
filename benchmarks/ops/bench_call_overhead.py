"""Host time of an operator around its kernel launch: the kernels themselves are stubbed out."""

import time
from collections.abc import Callable

import pytest
import torch

from t2l_kernels import Route, lora_expand, lora_shrink

pytest.importorskip("triton")
from t2l_kernels.lora import launch  # noqa: E402


class Stub:
    """A kernel whose launch costs nothing."""

    def __getitem__(self, grid):
        return lambda *args, **options: None


def microseconds(run: Callable[[], object], calls: int = 2000) -> float:
    """Return the best mean of five runs of `calls` calls, in µs a call."""
    run()
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(calls):
            run()
        best = min(best, time.perf_counter() - started)
    return 1e6 * best / calls


def test_host_time_around_a_launch(paired, monkeypatch):
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # lets impl="triton" take CPU tensors
    for name in ("lora_shrink_kernel", "lora_expand_kernel"):
        monkeypatch.setattr(launch, name, Stub())
    monkeypatch.setattr(launch, "_check_values", lambda *args: None)  # a GPU is not asked
    x = torch.zeros(64, 4096, dtype=torch.bfloat16)
    lora = torch.zeros(64, 16, 4096, dtype=torch.bfloat16)
    scalings = torch.ones(64)
    route = Route.from_tokens(torch.arange(64), impl="reference")
    s = launch.shrink(x, lora, route, None)
    calls = {
        "lora_shrink": (
            lambda: lora_shrink(x, lora, route, impl="triton"),
            lambda: launch.shrink(x, lora, route, None),
        ),
        "lora_expand": (
            lambda: lora_expand(s, lora, route, scalings=scalings, out=x, impl="triton"),
            lambda: launch.expand(s, lora, route, scalings, None, base=x, out=x),
        ),
    }
    times = paired.once(
        lambda: {name: [microseconds(run) for run in pair] for name, pair in calls.items()}
    )
    for name, (whole, inner) in times.items():
        paired.add(
            f"host time of ops.{name} around its launch, kernel stubbed out",
            "64 tokens, d 4096, r 16",
            "—",
            f"{whole:.0f} µs, {inner:.0f} of them the launcher",
            operator_us=whole,
            launcher_us=inner,
        )
