"""Bytes as executed: what the interpreter counts, beside the least and beside the cost model."""

import pytest
import torch

from t2l_kernels import Route
from t2l_kernels.lora import cost, launch, plans

pytestmark = pytest.mark.interpreted

CPU = torch.device("cpu")
D = 4096
DECODE, LONG = 1.10, {8: 1.5, 16: 1.5, 32: 1.5, 64: 1.8}  # issued bytes over the least


class Operands:
    """One batch on the CPU, fp16; values do not matter, addresses do."""

    def __init__(self, lengths: list[int], rank: int, *, live: int | None = None) -> None:
        torch.manual_seed(0)
        adapters = len(lengths)
        slots = torch.arange(adapters).repeat_interleave(torch.tensor(lengths))
        bound = adapters if lengths[0] > 1 else None
        self.route = Route.from_tokens(slots, max_segments=bound, impl="triton")
        self.x = torch.zeros(len(slots), D, dtype=torch.float16)
        self.weight = torch.zeros(adapters, rank, D, dtype=torch.float16)
        self.total = torch.zeros(len(slots), rank, dtype=torch.float16)
        self.scalings = torch.ones(adapters)
        self.ranks = torch.full((adapters,), live or rank, dtype=torch.int32)
        self.batch = cost.Batch(
            tuple(lengths), D, D, rank, max_segments=bound, dtype=torch.float16, arch="sm_80"
        )

    def run(self, op: str):
        """Count one operator; return its traffic and its modelled cost."""
        from t2l_kernel_tools.traffic import count_traffic

        s = launch.shrink(self.x, self.weight, self.route, self.ranks) if "expand" in op else None
        with count_traffic() as traffic:
            if op == "shrink":
                launch.shrink(self.x, self.weight, self.route, self.ranks)
            elif op == "grad":
                launch.grad(self.total, self.x, self.weight, self.route, self.scalings, self.ranks)
            else:
                gradient = op == "expand, gradient"
                launch.expand(
                    s, self.weight, self.route, self.scalings, self.ranks,
                    base=None if gradient else self.x, out=self.x,
                    total=self.total if gradient else None,
                )  # fmt: skip
        if op == "shrink":
            return traffic, cost.shrink(self.batch, D)
        if op == "grad":
            return traffic, cost.grad(self.batch, D)
        mode = "gradient" if op == "expand, gradient" else "in place"
        return traffic, cost.expand(self.batch, D, mode=mode)


def assert_lean(traffic, modelled: cost.Cost, bar: float) -> None:
    assert traffic.distinct <= 1.01 * modelled.least  # the bar is 1.10
    assert traffic.issued <= bar * modelled.least
    assert traffic.issued == pytest.approx(modelled.issued, rel=0.005)
    assert traffic.programs == modelled.programs
    assert traffic.useful == modelled.useful


@pytest.mark.parametrize(("op", "rank"), [("shrink", 16), ("shrink", 64), ("expand", 16)])
def test_decode_of_64_distinct_adapters(op, rank):
    traffic, modelled = Operands([1] * 64, rank).run(op)
    assert_lean(traffic, modelled, DECODE)
    assert traffic.useful >= 0.9 * traffic.programs


@pytest.mark.slow
@pytest.mark.parametrize("op", ["shrink", "expand"])
def test_decode_of_1024_distinct_adapters(op):
    traffic, modelled = Operands([1] * 1024, 8).run(op)
    assert_lean(traffic, modelled, DECODE)
    assert traffic.useful >= 0.9 * traffic.programs


@pytest.mark.parametrize(
    ("op", "rank"), [("shrink", 16), ("shrink", 32), ("shrink", 64), ("expand", 16), ("expand", 64)]
)
def test_prefill_of_16_sequences_of_128(op, rank):
    assert_lean(*Operands([128] * 16, rank).run(op), LONG[rank])


@pytest.mark.parametrize(
    ("op", "rank"),
    [("shrink", 32), ("shrink", 64), ("expand, gradient", 64), ("grad", 32), ("grad", 64)],
)
def test_training_on_8_tasks_of_512_tokens(op, rank):
    traffic, modelled = Operands([512] * 8, rank).run(op)
    assert_lean(traffic, modelled, LONG[rank])


@pytest.mark.parametrize("op", ["shrink", "expand"])
def test_a_low_live_rank_in_a_wide_slab_reads_its_own_rows_only(op):
    """Rank 4 in a slab of 64; s costs a sector per plane and token, whatever the rank."""
    traffic, _ = Operands([1] * 16, 64, live=4).run(op)
    rows = 16 * D * 2 * (1 if op == "shrink" else 2)
    least = rows + 16 * 4 * D * 2 + plans.planes(D, 64, torch.float16, CPU) * 16 * 32
    assert traffic.distinct <= 1.10 * least


def test_an_idle_batch_moves_next_to_nothing():
    slots = torch.full((64,), -1)
    operands = Operands([1] * 64, 16)
    operands.route = Route.from_tokens(slots, impl="triton")
    for op in ("shrink", "expand"):
        traffic, _ = operands.run(op)
        assert traffic.useful == 0 and traffic.issued <= 16 * traffic.programs
