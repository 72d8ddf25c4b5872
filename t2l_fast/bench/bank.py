"""A bank of very many registered adapters: memory of each, hits, and misses made in one pass."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from t2l_fast.adapters import AdapterBank, attach
from t2l_fast.adapters.bank.store import AdapterStore
from t2l_fast.config import LoraConfig
from t2l_fast.generators import T2LConfig, TextToLora

BATCH = 64
"""Adapters in a batch of misses."""
_CHUNK = 1 << 16  # codes registered at once


@dataclass(frozen=True)
class BankSize:
    """What one number of registered adapters costs.

    Fields:
        adapters: registered.
        bytes_each: RAM of a registration, index included; from the process's resident size, so
            noise below some 100,000 of them.
        register_us: time of one, in calls of many.
        hit_us_p50: lease and release of one resident adapter, microseconds; likewise p99.
        miss_ms: lease of 64 adapters without a slot.
        matmul_ms: the generator's trunk and heads on the same codes, outputs allocated before.
    """

    adapters: int
    bytes_each: float
    register_us: float
    hit_us_p50: float
    hit_us_p99: float
    miss_ms: float
    matmul_ms: float


def measure(sizes: list[int], *, store: Path | None = None, rounds: int = 15) -> Iterator[BankSize]:
    """Grow one bank to each size in turn and time it.

    Sites are SmolLM2-135M's q and v, the hypernetwork is random.

    Args:
        sizes: numbers of registered adapters, ascending.
        store: a new SQLite file for a durable copy; None = RAM alone.
        rounds: of the batch of misses; medians are given.
    """
    torch.manual_seed(0)
    generator, model = _generator(), _model()
    adapters = attach(
        model, generator.config.lora, num_slots=2 * BATCH, generator=generator, store=store
    )
    bank, registered, spent = adapters.bank, 0, 0.0
    try:
        first = bank.register(codes=torch.randn(BATCH, *generator.code_shape))
        bank.lease(first).release()  # what a batch of misses takes is not counted as theirs
        bank.forget(first)
        start, empty = int(first[-1]) + 1, _resident_bytes()
        for size in sizes:
            while registered < size:
                codes = torch.randn(min(_CHUNK, size - registered), *generator.code_shape)
                started = time.perf_counter()
                bank.register(codes=codes)
                spent += time.perf_counter() - started
                registered += len(codes)
            del codes
            each = (_resident_bytes() - empty) / registered
            p50, p99 = _hits(bank, start)
            miss, matmul = _misses(bank, generator, start, registered, rounds)
            yield BankSize(size, each, 1e6 * spent / registered, p50, p99, miss, matmul)
    finally:
        adapters.detach()


def reopened(store: Path) -> tuple[int, float]:
    """Reopen a store; return its number of adapters and the seconds that reading took."""
    started = time.perf_counter()
    store_read = AdapterStore(store)
    seconds = time.perf_counter() - started
    store_read.close()
    return len(store_read), seconds


def _hits(bank: AdapterBank, start: int, calls: int = 20_000) -> tuple[float, float]:
    ids = list(range(start, start + BATCH))
    bank.lease(ids).release()
    times = []
    for call in range(calls):
        wanted = [ids[call % BATCH]]
        started = time.perf_counter()
        bank.lease(wanted).release()
        times.append(1e6 * (time.perf_counter() - started))
    times.sort()
    return times[calls // 2], times[calls * 99 // 100]


def _misses(
    bank: AdapterBank, generator: TextToLora, start: int, registered: int, rounds: int
) -> tuple[float, float]:
    """Medians in milliseconds, taking turns."""
    draws = torch.Generator().manual_seed(1)
    run_matmuls = _matmuls(generator, torch.randn(BATCH, *generator.code_shape))
    misses, matmuls = [], []
    for _ in range(rounds + 1):
        bank.evict(list(bank.resident))
        ids = (start + torch.randperm(registered, generator=draws)[:BATCH]).tolist()
        misses.append(_milliseconds(lambda ids=ids: bank.lease(ids).release()))
        matmuls.append(_milliseconds(run_matmuls))
    return statistics.median(misses[1:]), statistics.median(matmuls[1:])


@torch.no_grad()
def _matmuls(generator: TextToLora, codes: Tensor) -> Callable[[], None]:
    """Trunk and head GEMMs of one batch, nothing written to slots."""
    outputs = [
        torch.empty(generator.config.num_layers * len(codes), len(head.weight))
        for head in generator.head_linears().values()
    ]

    @torch.no_grad()
    def run() -> None:
        latents = generator.latents(codes)
        for own, head, out in zip(latents, generator.head_linears().values(), outputs, strict=True):
            torch.mm(own.flatten(0, 1), head.weight.T, out=out)

    return run


def _milliseconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - started)


def _generator() -> TextToLora:
    lora = LoraConfig(("q_proj", "v_proj"), 8, 16.0)
    shapes = {"q_proj": (576, 576), "v_proj": (576, 192)}
    config = T2LConfig(
        arch="L",
        latent_size=128,
        head_in_size=512,
        task_embedding_size=384,
        num_layers=30,
        module_shapes=shapes,
        lora=lora,
    )
    return TextToLora(config).eval()


def _model() -> nn.Module:
    def layer() -> nn.Module:
        q, v = nn.Linear(576, 576, bias=False), nn.Linear(576, 192, bias=False)
        return nn.ModuleDict({"q_proj": q, "v_proj": v})

    return nn.ModuleDict({"layers": nn.ModuleList(layer() for _ in range(30))})


def _resident_bytes() -> int:
    """Physical memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/status must name VmRSS, got none")
