"""GPU times that mean something: in a captured graph, cold in L2, rivals taking turns."""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from benchmarks.ops.inputs import Inputs

COLD = 4  # times the L2 cache, so that no input is warm when its turn comes again
MAX_SETS = 64
T = TypeVar("T")


def rotation(make: Callable[[int], Inputs]) -> list[Inputs]:
    """Return as many sets of inputs as fill the L2 cache `COLD` times over."""
    first = make(0)
    named = (first.x, first.y, first.lora_a, first.lora_b)
    bytes_each = sum(t.numel() * t.element_size() for t in named)
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    count = min(MAX_SETS, max(2, -(-COLD * cache // bytes_each)))
    return [first, *(make(seed) for seed in range(1, count))]


def captured(run: Callable[[T], object], sets: Sequence[T]) -> Callable[[], None]:
    """Capture a graph of one call per set; plain calls where a rival can't be captured."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for inputs in sets:
            run(inputs)
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for inputs in sets:
                run(inputs)
        return graph.replay
    except RuntimeError:  # a rival that asks the device, as a loop over adapters does
        torch.cuda.synchronize()

        def plain() -> None:
            for inputs in sets:
                run(inputs)

        return plain


def microseconds(
    variants: dict[str, Callable[[], None]], calls: int, rounds: int = 15
) -> dict[str, float]:
    """Return the median time of one call; rounds run all variants in alternating order."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    order = list(variants)
    for _ in range(rounds + 2):
        for name in order:
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            variants[name]()
            stop.record()
            stop.synchronize()
            times[name].append(1e3 * start.elapsed_time(stop) / calls)
        order.reverse()
    return {name: statistics.median(values[2:]) for name, values in times.items()}
