"""Paired measurement: variants take turns in one process; results are printed and kept as JSON."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

RESULTS = Path(__file__).parent / "results" / "cpu.json"


class Paired:
    """Rows of one session: variants' medians in milliseconds, and named ratios."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    @staticmethod
    def milliseconds(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
        """Median time of each variant; each round runs all of them, in alternating order."""
        for run in variants.values():
            run()
        times: dict[str, list[float]] = {name: [] for name in variants}
        order = list(variants)
        for _ in range(rounds):
            for name in order:
                started = time.perf_counter()
                variants[name]()
                times[name].append(1e3 * (time.perf_counter() - started))
            order.reverse()
        return {name: statistics.median(values) for name, values in times.items()}

    def add(self, what: str, shape: str, bar: str, measured: str, **numbers: float) -> None:
        self.rows.append(
            {"what": what, "shape": shape, "bar": bar, "measured": measured}
            | {name: round(value, 4) for name, value in numbers.items()}
        )


@pytest.fixture(scope="session")
def paired():
    session = Paired()
    yield session
    if not session.rows:
        return
    import peft
    import transformers

    where = {
        "device": f"{platform.machine()}, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}",
        "dtype": "float32",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
    }
    rows = merged(json.loads(RESULTS.read_text()) if RESULTS.exists() else [], session.rows, where)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\n\n{where}\n| what | shape | bar | measured |\n|---|---|---|---|")
    for row in session.rows:
        print("| {what} | {shape} | {bar} | {measured} |".format(**row))


def merged(earlier: list[dict], measured: list[dict], where: dict[str, str]) -> list[dict]:
    """Earlier rows with new ones in their places; each row says where it was measured."""
    rows = {(row["what"], row["shape"]): row for row in earlier}
    rows |= {(row["what"], row["shape"]): row | {"where": where} for row in measured}
    return list(rows.values())
