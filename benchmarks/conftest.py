"""`pytest benchmarks --benchmark-only`: the `paired` fixture, and the table of what it measured."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.paired import Paired, merged, where


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--rows`."""
    parser.addoption("--rows", type=Path, help="JSON file that the table's rows are merged into")


@pytest.fixture(scope="session")
def rows(request) -> Iterator[list[dict]]:
    """Yield a list for the rows of all tests; print it at the end, merge it into `--rows`."""
    collected: list[dict] = []
    yield collected
    if not collected:
        return
    path = request.config.getoption("rows")
    if path is not None:
        earlier = json.loads(path.read_text()) if path.exists() else []
        path.write_text(json.dumps(merged(earlier, collected, where()), indent=1) + "\n")
    print(f"\n\n{where()}\n| what | shape | bar | measured |\n|---|---|---|---|")
    for row in collected:
        print("| {what} | {shape} | {bar} | {measured} |".format(**row))


@pytest.fixture
def paired(benchmark, rows) -> Iterator[Paired]:
    """Yield paired measurement on pytest-benchmark's own fixture."""
    session = Paired(benchmark)
    yield session
    if not benchmark.disabled:  # rounds of one call each are no measurement
        rows.extend(session.rows)
