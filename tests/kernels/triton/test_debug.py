"""In debug mode (TRITON_DEBUG=1) kernels assert what a GPU is not asked for."""

from dataclasses import replace

import pytest
import torch

from t2l_kernels import Route
from t2l_kernels.heads import launch as head_launch
from t2l_kernels.lora import launch
from t2l_kernels.routing import launch as route_launch
from tests.kernels.triton.conftest import Case

pytestmark = pytest.mark.interpreted


@pytest.fixture(autouse=True)
def debug(monkeypatch):
    """The interpreter's form of TRITON_DEBUG=1, with the host's own checks off."""
    from triton.runtime.interpreter import interpreter_builder

    options = replace(interpreter_builder.options, debug=True)
    monkeypatch.setattr(interpreter_builder, "options", options)
    monkeypatch.setattr(launch, "_check_values", lambda weight, route, ranks: None)
    monkeypatch.setattr(route_launch, "_check_segments", lambda slots, bound: None)


def run(case: Case) -> None:
    route = case.route()
    s = launch.shrink(case.x, case.lora_a, route, case.ranks)
    out = case.residual.clone()
    launch.expand(s, case.lora_b, route, case.scalings, case.ranks, base=out, out=out)


def test_what_is_right_passes():
    run(Case(torch.tensor([3, -1, 0, 3])))


@pytest.mark.parametrize("rank", [7, -1])
def test_a_rank_beyond_the_slab(rank):
    case = Case(torch.tensor([3, -1, 0, 3]))
    case.ranks[3] = rank
    with pytest.raises(Exception, match="rank beyond the slab"):
        run(case)


def test_a_slot_out_of_range():
    case = Case(torch.tensor([3, -1, 0, 8]), mixed_ranks=False)
    case.lora_a = case.lora_a[:5]
    with pytest.raises(Exception, match="slot out of range"):
        run(case)


@pytest.mark.parametrize(
    ("slots", "bound", "message"),
    [([0, 1, 2, 3], 3, "max_segments is too small"), ([0, -2, 1], 3, "slots below -1")],
)
def test_slots_that_the_route_can_not_hold(slots, bound, message):
    with pytest.raises(Exception, match=message):
        Route.from_tokens(torch.tensor(slots), max_segments=bound, impl="triton")


def test_lengths_of_another_sum():
    lengths = torch.tensor([5, 9], dtype=torch.int32)
    with pytest.raises(Exception, match="num_tokens is less than the lengths' sum"):
        route_launch.build(torch.tensor([1, 0], dtype=torch.int32), lengths, 0, 10, 2)


def test_a_slot_beyond_the_slab_of_a_head():
    latents, weight = torch.randn(1, 2, 1, 4), torch.randn(3, 5, 4)
    out = torch.zeros(1, 2, 3, 5)
    with pytest.raises(Exception, match="slot out of range"):
        head_launch.head_into_slots(
            latents, weight, None, (None, None, None), torch.tensor([0, 2]), out
        )
