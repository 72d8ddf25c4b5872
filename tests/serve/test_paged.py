"""Attention over pages, and the slots that travel with a batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from t2l_fast.errors import ArgumentError
from t2l_fast.serve.engine.paged_attention import attend_paged, plan

lengths = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 5, 18, 19, 40, 41]), st.sampled_from([1, 1, 1, 2, 7])),
    min_size=1,
    max_size=9,
)


@given(lengths, st.sampled_from([(4, 4), (4, 2), (3, 1)]), st.booleans())
def test_every_request_attends_to_its_own_cells_causally(pasts, heads, unread):
    query_heads, key_heads = heads
    torch.manual_seed(0)
    queries = [q for _, q in pasts]
    keys = [p + q for p, q in pasts]
    total, cells = sum(queries), 600
    stored = torch.randn(2, cells, key_heads, 8, dtype=torch.float64)
    read = torch.randperm(cells)[: sum(keys)]
    written = torch.cat(
        [own[k - q :] for own, q, k in zip(read.split(keys), queries, keys, strict=True)]
    )
    module = nn.Module()
    module.layer_idx = 0

    class Pages:
        index = 0
        _kv_token_views = {0: (stored[0], stored[1])}

    class Cache:
        layer_to_allocator = {0: Pages}

    q = torch.randn(1, query_heads, total, 8, dtype=torch.float64)
    k, v = torch.randn(2, 1, key_heads, total, 8, dtype=torch.float64)
    fresh = not any(p for p, _ in pasts)
    groups = plan(queries, keys, read[:0] if fresh and unread else read)
    got, _ = attend_paged(
        module, q, k, v, None, scaling=0.3, pages=Cache, write_index=[written], paged_groups=groups
    )
    assert got.shape == (1, total, query_heads, 8)
    start = 0
    for own, n, m in zip(read.split(keys), queries, keys, strict=True):
        mine = q[:, :, start : start + n]
        seen_k, seen_v = (
            t[own].transpose(0, 1).repeat_interleave(query_heads // key_heads, 0)[None]
            for t in stored
        )
        mask = torch.ones(n, m, dtype=torch.bool).tril(m - n)
        want = scaled_dot_product_attention(mine, seen_k, seen_v, mask, scale=0.3)
        assert torch.allclose(got[0, start : start + n].transpose(0, 1), want[0], atol=1e-12)
        start += n


@pytest.mark.parametrize(
    "more",
    [{"softcap": 50.0}, {"sliding_window": 8}, {"s_aux": torch.ones(2)}, {"dropout": 0.1}],
    ids=lambda more: next(iter(more)),
)
def test_what_would_change_the_result_is_refused(more):
    q = torch.zeros(1, 2, 3, 8)
    with pytest.raises(ArgumentError, match=f"got {next(iter(more))}: serve the model with"):
        attend_paged(
            nn.Module(),
            q,
            q,
            q,
            None,
            scaling=1.0,
            pages=None,
            write_index=[],
            paged_groups=[],
            **more,
        )


def test_lengths_that_are_alike_are_served_together():
    assert len(plan([1] * 60, [100 + i // 4 for i in range(60)], torch.arange(7000))) <= 2
    assert len(plan([5] * 7 + [1] * 7, [5] * 7 + [90] * 7, torch.arange(1000))) == 2


@pytest.fixture
def parts(serving):
    """Two inputs objects over one cache, as asynchronous batching has them."""
    from t2l_fast.serve.engine.transformers_loop import SlotIOs

    slots = {"p": 3, "q": -1, "r": 0}
    with serving.engine(adapters=1) as engine:
        made = engine._manager.batch_processor
        engine.close()
        kwargs = dict(
            cache=made.cache,
            config=made.config,
            continuous_batching_config=made.cb_config,
            device=torch.device("cpu"),
            model_dtype=torch.float32,
            logit_processor=made.logit_processor,
        )
        yield made, [SlotIOs(slot_of=slots.__getitem__, **kwargs) for _ in range(2)]


def prepare(made, io, lengths: dict[str, int]) -> None:
    from transformers.generation.continuous_batching.requests import (
        FutureRequestState,
        RequestState,
    )

    batch = []
    for key, length in lengths.items():
        state = RequestState(key, [5] * length)
        state.tokens_to_process = [5] * length
        made.cache.can_store_request_tokens(state, length)
        batch.append(FutureRequestState(state, True, {}, length))
    io.prepare_batch_tensors(batch, made.logit_processor, False, sum(lengths.values()), 0, False)


def test_a_batch_prepared_while_another_runs_leaves_its_slots_alone(parts):
    made, (running, next_one) = parts
    prepare(made, running, {"p": 3, "q": 2, "r": 1})
    before = running.slots[:6].tolist()
    prepare(made, next_one, {"r": 4, "p": 4})
    assert before == running.slots[:6].tolist() == [3, 3, 3, -1, -1, 0]
    assert next_one.slots[:8].tolist() == [0] * 4 + [3] * 4
    assert (running.slots[6:] == -1).all()
    assert running.slots.data_ptr() != next_one.slots.data_ptr()


def test_a_shorter_batch_leaves_no_slot_of_the_one_before(parts):
    made, (io, _) = parts
    prepare(made, io, {"p": 30})
    address = io.slots.data_ptr()
    prepare(made, io, {"r": 2})
    assert io.slots[:2].tolist() == [0, 0]
    assert (io.slots[2:] == -1).all()
    assert io.slots.data_ptr() == address  # a captured graph would read it again


def test_slots_travel_to_the_device_with_the_other_inputs(parts):
    made, (host, device) = parts
    prepare(made, host, {"p": 2, "r": 3})
    host._transfer_inputs(device, stream=None)
    assert torch.equal(device.slots, host.slots)
    assert torch.equal(device.input_ids, host.input_ids)
