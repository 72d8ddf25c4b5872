"""Routes: every token in exactly one segment, tables of fixed shape, blocks within segments."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t2l_kernels import ArgumentError, Route

SLOTS = st.lists(st.integers(-1, 5), max_size=70)


def segments(route: Route) -> list[tuple[int, list[int]]]:
    used = int(route.summary[0])
    slots, starts = route.segment_slots[:used].tolist(), route.segment_starts.tolist()
    order = route.order.tolist()
    return [(slot, order[starts[i] : starts[i + 1]]) for i, slot in enumerate(slots)]


@given(SLOTS)
def test_segments_cover_every_token_once_with_its_slot(token_slots):
    route = Route.from_tokens(torch.tensor(token_slots, dtype=torch.int32))
    found = {token: slot for slot, tokens in segments(route) for token in tokens}
    assert found == dict(enumerate(token_slots))
    assert sum(len(tokens) for _, tokens in segments(route)) == len(token_slots)


@given(SLOTS)
def test_tokens_keep_their_order_within_a_segment(token_slots):
    route = Route.from_tokens(torch.tensor(token_slots, dtype=torch.int32))
    assert all(tokens == sorted(tokens) for _, tokens in segments(route))


@given(SLOTS)
def test_stretches_split_the_segments_into_equal_lengths(token_slots):
    route = Route.from_tokens(torch.tensor(token_slots, dtype=torch.int32))
    sizes = route.stretches[: int(route.summary[1])].tolist()
    found = segments(route)
    assert sum(sizes) == len(found)
    for size in sizes:
        stretch, found = found[:size], found[size:]
        assert len({len(tokens) for _, tokens in stretch}) == 1
        assert size == 1 or all(slot >= 0 for slot, _ in stretch)


@given(SLOTS, st.sampled_from([16, 64]))
def test_blocks_cover_routed_tokens_and_stay_within_segments(token_slots, block_size):
    route = Route.from_tokens(torch.tensor(token_slots, dtype=torch.int32), impl="reference")
    blocks = route.blocks(block_size)
    count = int(blocks.num_blocks)
    order = route.order.tolist()
    covered = []
    for slot, start, stop in blocks.table[:, :count].T.tolist():
        assert slot >= 0 and 0 < stop - start <= block_size
        assert {token_slots[token] for token in order[start:stop]} == {slot}
        covered += order[start:stop]
    assert sorted(covered) == [t for t, slot in enumerate(token_slots) if slot >= 0]
    assert (blocks.table[:, count:] == -1).all()


@pytest.mark.parametrize("seq_len", [1, 3, 40])
def test_sequences_route_like_their_tokens(seq_len):
    slots = torch.tensor([2, -1, 0, 2, 5])
    by_sequence = Route.from_sequences(slots, seq_len)
    by_token = Route.from_tokens(slots.repeat_interleave(seq_len))
    assert sorted(segments(by_sequence)) == sorted(segments(by_token))
    assert by_sequence.segment_slots.shape == (5,)


def test_ragged_lengths_are_taken_as_a_tensor():
    route = Route.from_sequences(torch.tensor([1, 0, 1]), torch.tensor([2, 0, 3]))
    assert route.token_slots.tolist() == [1, 1, 1, 1, 1]


def test_table_shapes_depend_on_the_size_alone():
    shapes = {
        tuple(t.shape for t in Route.from_tokens(slots).tensors())
        for slots in (torch.arange(12), torch.zeros(12, dtype=torch.int64), -torch.ones(12).int())
    }
    assert len(shapes) == 1


def test_long_runs_stay_where_they_are():
    """Prefill of whole sequences must not gather its activations."""
    route = Route.from_sequences(torch.tensor([3, 0, 3]), 64)
    assert int(route.summary[2]) == 1


def test_the_slots_given_are_not_aliased():
    slots = torch.zeros(4, dtype=torch.int32)
    route = Route.from_tokens(slots)
    slots += 1
    assert route.token_slots.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Route.from_tokens(torch.zeros(2, 2).int()), "token_slots must have shape"),
        (lambda: Route.from_tokens(torch.zeros(3)), "slots must be torch.int32"),
        (lambda: Route.from_sequences(torch.zeros(2).int(), torch.ones(3).int()), "seq_len must"),
        (lambda: Route.from_tokens(torch.arange(4), max_segments=2), "max_segments must be at"),
        (
            lambda: Route.from_sequences(torch.arange(2), torch.tensor([1, 2]), num_tokens=4),
            "num_tokens must be the sum of seq_len, 3, got 4",
        ),
        (lambda: Route.from_tokens(torch.arange(4), max_segments=-3), "at least 1 .* got -3"),
        (lambda: Route.from_sequences(torch.arange(2), -2), "seq_len must be 0 or more .* got -2"),
        (
            lambda: Route.from_sequences(torch.arange(2), torch.tensor([2, -1])),
            "seq_len must be 0 or more tokens, got -1",
        ),
        (lambda: Route.from_tokens([0, 1]), "token_slots must be a tensor .* got list"),
        (lambda: Route.from_tokens(torch.arange(4)).blocks(32), "block_size must be one of"),
        (lambda: Route.from_tokens(torch.arange(4)).blocks(16), "route must have block tables"),
    ],
    ids=[
        "two dims",
        "float slots",
        "lengths of another batch",
        "too many segments",
        "lengths of another sum",
        "no segments",
        "a negative length",
        "a negative length among others",
        "a list",
        "no such block size",
        "no blocks for torch",
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
