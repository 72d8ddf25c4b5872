"""Paired measurement: a thing and its peers take turns in one process, round by round."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

Variants = dict[str, Callable[[], object]]


def alternating(variants: Variants, times: dict[str, list[float]]) -> Callable[[], None]:
    """Return a function that runs each variant once, in the reverse order of its last round.

    Args:
        times: milliseconds are appended here, by variant.
    """

    def orders() -> Iterator[list[str]]:
        order = list(variants)
        while True:
            yield order
            order = order[::-1]

    order = orders()

    def run_round() -> None:
        for name in next(order):
            started = time.perf_counter()
            variants[name]()
            times[name].append(1e3 * (time.perf_counter() - started))

    return run_round


def milliseconds(variants: Variants, rounds: int) -> dict[str, float]:
    """Return the median time of each variant, after one call of each that is not counted."""
    for run in variants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in variants}
    run_round = alternating(variants, times)
    for _ in range(rounds):
        run_round()
    return {name: statistics.median(values) for name, values in times.items()}


class Paired:
    """One test's measurements, on the `benchmark` fixture of pytest-benchmark.

    The fixture times whole rounds. `extra_info` has the medians of the variants, the rows of the
    printed table with their ratios and shapes, and where they were measured.
    """

    def __init__(self, benchmark: Any) -> None:
        self.benchmark = benchmark
        self.rows: list[dict] = []
        self._timed = False

    def milliseconds(self, variants: Variants, rounds: int) -> dict[str, float]:
        """Return the median time of each variant over `rounds` paired rounds."""
        if self._timed:  # the fixture takes one measurement per test
            return milliseconds(variants, rounds)
        self._timed = True
        for run in variants.values():
            run()
        times: dict[str, list[float]] = {name: [] for name in variants}
        self.benchmark.pedantic(alternating(variants, times), rounds=rounds, iterations=1)
        medians = {name: statistics.median(values) for name, values in times.items()}
        self.benchmark.extra_info["milliseconds"] = medians
        return medians

    def once(self, run: Callable[[], Any]) -> Any:
        """Return what a measurement returns that repeats itself, or that is not of time."""
        self._timed = True
        return self.benchmark.pedantic(run, rounds=1, iterations=1)

    def add(self, what: str, shape: str, bar: str, measured: str, **numbers: float) -> None:
        """Keep a row: what was compared, its shape, the bar, and the numbers behind it."""
        row: dict = {"what": what, "shape": shape, "bar": bar, "measured": measured}
        row |= {name: round(value, 4) for name, value in numbers.items()}
        self.rows.append(row)
        self.benchmark.extra_info |= {"rows": self.rows, "where": where()}


def where() -> dict[str, str]:
    """Return the device, the dtype and the versions that rows were measured with."""
    import peft
    import transformers

    return {
        "device": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}",
        "dtype": "float32",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
    }


def merged(earlier: list[dict], measured: list[dict], where: dict[str, str]) -> list[dict]:
    """Return earlier rows with new ones in their places; each says where it was measured."""
    rows = {(row["what"], row["shape"]): row for row in earlier}
    rows |= {(row["what"], row["shape"]): row | {"where": where} for row in measured}
    return list(rows.values())
