"""Rows and micro-batches: what is learned, and that nothing is lost on the way."""

from itertools import combinations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t2l_fast.tasks import Example, Prompt
from t2l_fast.train.data.batches import IGNORED
from t2l_fast.train.data.bucketing import bucketed
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.packing import collate

EXAMPLES = [Example("a", "bcd"), Example("long input", "x"), Example("ab", "many words here")]


@pytest.fixture
def collator(tiny):
    return Collator(Prompt(tiny.tokenizer()))


@pytest.fixture
def rows(collator):
    return [collator.row(slot, example) for slot, example in enumerate(EXAMPLES)]


def unpadded(batch, pad: int) -> list[tuple[int, tuple[int, ...]]]:
    """(slot, ids) of each row; no row of these tests holds the pad token."""
    pairs = zip(batch.row_slots.tolist(), batch.ids.tolist(), strict=True)
    return [(slot, tuple(i for i in ids if i != pad)) for slot, ids in pairs]


def test_a_row_is_the_prompt_and_the_answer(collator):
    row = collator.row(3, EXAMPLES[0], "Do it.")
    prompt = collator.prompt
    assert row.slot == 3
    assert list(row.ids[: row.prompt_length]) == prompt.ids("a", "Do it.")
    assert list(row.ids[row.prompt_length :]) == prompt.answer_ids("bcd")


def test_a_row_with_a_description_is_not_mistaken_for_one_without(collator):
    plain, told = collator.row(0, EXAMPLES[0]), collator.row(0, EXAMPLES[0], "Do it.")
    again = collator.row(1, EXAMPLES[0])
    assert plain.ids == again.ids != told.ids
    assert (plain.slot, again.slot) == (0, 1)


def test_labels_are_the_next_tokens_of_answers_alone(collator, rows):
    batch = collate(rows, collator.pad)
    for i, example in enumerate(EXAMPLES):
        places = (batch.labels[i] != IGNORED).nonzero().flatten()
        answer = collator.prompt.answer_ids(example.output)
        assert batch.labels[i, places].tolist() == answer
        assert batch.ids[i, places + 1].tolist() == answer
        assert places[0] == len(collator.prompt.ids(example.input)) - 1


def test_padding_is_on_the_right(collator, rows):
    batch = collate(rows, collator.pad)
    for i, row in enumerate(rows):
        assert tuple(batch.ids[i, : len(row.ids)].tolist()) == row.ids
        assert (batch.ids[i, len(row.ids) :] == collator.pad).all()
        assert (batch.labels[i, len(row.ids) - 1 :] == IGNORED).all()


def cost(batches, overhead):
    return sum(batch.ids.numel() + overhead for batch in batches)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it keeps nothing
@given(
    overhead=st.sampled_from([0, 1, 8, 1000]),
    max_rows=st.sampled_from([1, 3, 100]),
    count=st.integers(0, 12),
)
def test_bucketing_loses_no_row(collator, overhead, max_rows, count):
    texts = ["x" * (1 + 7 * i % 11) for i in range(count)]
    rows = [collator.row(i, Example(text, text)) for i, text in enumerate(texts)]
    batches = bucketed(rows, collator.pad, overhead=overhead, max_rows=max_rows)
    found = [row for batch in batches for row in unpadded(batch, collator.pad)]
    assert sorted(found) == sorted((row.slot, row.ids) for row in rows)
    assert all(len(batch.ids) <= max_rows for batch in batches)


def test_a_padded_batch_has_no_more_tokens_than_it_may(collator):
    rows = [collator.row(i, Example("x" * n, "y")) for i, n in enumerate((50, 1, 9, 9, 9, 2, 9))]
    batches = bucketed(rows, collator.pad, overhead=1000, max_tokens=40)
    assert sum(len(batch.row_slots) for batch in batches) == len(rows)
    assert all(batch.ids.numel() <= 40 or len(batch.ids) == 1 for batch in batches)
    assert max(batch.ids.numel() for batch in batches) > 40
    (whole,) = bucketed(rows, collator.pad, overhead=1000)
    assert len(whole.ids) == len(rows)


@pytest.mark.parametrize("overhead", [0, 3, 8, 20])
def test_no_other_cut_of_the_sorted_rows_costs_less(collator, overhead):
    texts = ["x" * n for n in (9, 1, 8, 2, 2, 14, 3)]
    rows = [collator.row(i, Example(text, "y")) for i, text in enumerate(texts)]
    ordered = sorted(rows, key=lambda row: len(row.ids))
    every = []
    for size in range(len(rows)):
        for cuts in combinations(range(1, len(rows)), size):
            ends = zip((0, *cuts), (*cuts, len(rows)), strict=True)
            pieces = [collate(ordered[a:b], collator.pad) for a, b in ends]
            every.append(cost(pieces, overhead))
    assert cost(bucketed(rows, collator.pad, overhead=overhead), overhead) == min(every)


def test_buckets_hold_rows_of_about_the_same_length(collator):
    texts = ["x" * n for n in (19, 1, 18, 2, 17, 3)]
    rows = [collator.row(i, Example(text, "y")) for i, text in enumerate(texts)]
    short, long = bucketed(rows, collator.pad, overhead=8)
    assert {*short.row_slots.tolist()} == {1, 3, 5}
    assert short.ids.shape[1] < long.ids.shape[1]
    assert short.slots.dtype == short.ids.dtype == short.labels.dtype == torch.int64
