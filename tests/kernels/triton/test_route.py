"""Routes built on the device equal the loops' tables, entry for entry."""

import pytest
import torch

from t2l_kernels import ArgumentError, Route
from t2l_kernels.routing import launch
from tests.kernels.popular import popular
from tests.kernels.triton.conftest import DEVICE

NAMES = (
    "token_slots", "order", "segment_slots", "segment_starts", "stretches", "summary",
    "small_blocks", "large_blocks",
)  # fmt: skip


def assert_equal(built: Route, expected: Route) -> None:
    for name in NAMES:
        assert torch.equal(getattr(built, name).cpu(), getattr(expected, name)), name


def both(build, slots: torch.Tensor, *rest, **options) -> tuple[Route, Route]:
    there = [t.to(DEVICE) if isinstance(t, torch.Tensor) else t for t in (slots, *rest)]
    return build(*there, impl="triton", **options), build(slots, *rest, impl="reference", **options)


@pytest.mark.parametrize("tokens", [1, 37, 512, 513, 1500], ids=lambda n: f"{n} tokens")
@pytest.mark.parametrize("kind", ["uniform", "zipf", "identical", "skewed", "none"])
def test_tokens(kind, tokens):
    assert_equal(*both(Route.from_tokens, popular(kind, tokens, 90)))


def test_tokens_that_are_all_distinct():
    assert_equal(*both(Route.from_tokens, popular("distinct", 0, 700)))


def test_a_bound_of_segments_makes_smaller_tables():
    built, expected = both(Route.from_tokens, popular("zipf", 300, 9), max_segments=10)
    assert_equal(built, expected)
    assert built.blocks(64).table.shape[1] == 300 // 64 + 10


@pytest.mark.parametrize("count", [5, 600], ids=["sorted in the kernel", "sorted by torch"])
@pytest.mark.parametrize("seq_len", [1, 3, 130])
def test_sequences_of_equal_length(seq_len, count):
    slots = popular("uniform", count, 30)
    assert_equal(*both(Route.from_sequences, slots, seq_len))


@pytest.mark.parametrize("count", [6, 600], ids=["sorted in the kernel", "sorted by torch"])
def test_ragged_sequences(count):
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(0, 9, (count,), generator=generator)
    lengths[:6] = torch.tensor([3, 2, 70, 1, 129, 1500])
    slots = torch.randint(-1, 40, (count,), generator=generator)
    slots[lengths == 0] = 3  # a slot may come with and without tokens
    slots[1] = 3
    options = {"num_tokens": int(lengths.sum())}
    assert_equal(*both(Route.from_sequences, slots, lengths, **options))


def test_tokens_keep_their_order_within_a_segment():
    slots = popular("uniform", 200, 9)
    route = Route.from_tokens(slots.to(DEVICE), impl="triton")
    assert torch.equal(route.order.cpu(), slots.argsort(stable=True))


def test_a_long_block_table_is_cut_by_programs_of_its_own():
    slots = popular("distinct", 0, 1100)
    built, expected = both(Route.from_tokens, slots)
    assert built.blocks(16).table.shape[1] > launch.CUT_IN_KERNEL
    assert_equal(built, expected)


def test_every_launch_stays_within_its_tables(guards):
    slots = popular("zipf", 1200, 90).int().to(DEVICE)
    lengths = (torch.arange(6, device=DEVICE) * 7).int()
    with guards:
        launch.build(slots, None, 1, 1200, 90)
        launch.build(slots[:300], None, 1, 300, 300)
        launch.build(slots[:6], lengths, 0, 105, 6)
        launch.build(slots[:6], None, 40, 240, 6)
    guards.check()
    assert len(guards.whole) > 30


@pytest.mark.interpreted
def test_slots_beyond_the_bound_get_no_adapter(monkeypatch):
    """What a GPU does, which is not asked whether the bound holds."""
    monkeypatch.setattr(launch, "_check_segments", lambda slots, bound: None)
    route = Route.from_tokens(torch.tensor([3, 1, 1, 0, 2, 2, -1]), max_segments=3, impl="triton")
    assert route.segment_slots.tolist() == [-1, 0, 1]
    assert route.segment_starts.tolist() == [0, 1, 2, 4]
    assert route.blocks(16).table[:, : int(route.summary[3])].T.tolist() == [[0, 1, 2], [1, 2, 4]]
    assert route.summary[5:].tolist() == [1, 4]


@pytest.mark.interpreted
def test_a_wrong_sum_of_lengths_writes_nothing_outside(guards):
    """On a GPU nobody has added them up."""
    lengths = torch.tensor([5, 9, 4], dtype=torch.int32)
    with guards:
        launch.build(torch.tensor([1, 0, 1], dtype=torch.int32), lengths, 0, 10, 3)
    guards.check()


def test_no_tokens():
    built, expected = both(Route.from_tokens, torch.empty(0, dtype=torch.int32))
    assert_equal(built, expected)


@pytest.mark.interpreted  # a GPU is not asked for its slots
def test_more_slots_than_max_segments_are_named():
    with pytest.raises(ArgumentError, match="max_segments must be at least the 4 different slots"):
        Route.from_tokens(torch.arange(4), max_segments=2, impl="triton")


def test_building_asks_nothing_of_the_device(no_sync):
    slots = popular("zipf", 700, 9).to(DEVICE)
    with no_sync:
        Route.from_tokens(slots, impl="triton")
        Route.from_sequences(slots[:9], 70, impl="triton")
        lengths = torch.full((9,), 5, device=DEVICE)
        launch.build(slots[:9], lengths, 0, 45, 9)
    assert no_sync.seen > 0
