"""Rows laid end to end: the numbers of padded rows, and a model left as it was."""

import pytest
import torch
import transformers as tf
from torch import nn

from t2l_fast.attention import MODELS, packable
from t2l_fast.tasks import Example, Prompt
from t2l_fast.train.data.batches import IGNORED
from t2l_fast.train.data.bucketing import packed
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.packing import collate, pack
from t2l_fast.train.model import packed_attention as packing
from t2l_fast.train.model.losses import answer_loss, exact_matches, label_logits
from t2l_fast.train.model.packed_attention import packed_attention

KINDS = {
    "llama": (tf.LlamaForCausalLM, tf.LlamaConfig),
    "mistral": (tf.MistralForCausalLM, tf.MistralConfig),
    "qwen2": (tf.Qwen2ForCausalLM, tf.Qwen2Config),
    "qwen3": (tf.Qwen3ForCausalLM, tf.Qwen3Config),
}
PAD = -7
"""No token of any row."""
EXAMPLES = [
    Example("a", "bcd"),
    Example("long input", "x"),
    Example("b", "dcb"),
    Example("ab", "many words here"),
]


@pytest.fixture
def rows(tiny):
    collator = Collator(Prompt(tiny.tokenizer()))
    made = [collator.row(slot, example) for slot, example in enumerate(EXAMPLES)]
    return sorted(made, key=lambda row: len(row.ids))


@pytest.fixture
def pad(tiny):
    return tiny.tokenizer().pad_token_id


def kind_of(tiny, name: str, **options) -> nn.Module:
    model, config = KINDS[name]
    return tiny.model(model, config, **({"sliding_window": None} | options)).double()


def by_row(logits, batch):
    rows = batch.rows[batch.labels != IGNORED]
    return [logits[rows == i] for i in range(len(batch.row_slots))]


@pytest.mark.parametrize("short", [0, 128], ids=["fused attention", "matmuls"])
@pytest.mark.parametrize("name", MODELS)
def test_every_row_gets_the_logits_and_gradients_of_padded_rows(
    tiny, rows, pad, name, short, monkeypatch
):
    monkeypatch.setattr(packing, "_SHORT", short)
    model = kind_of(tiny, name)
    assert packable(model)
    found = []
    for batch in (collate(rows, pad), pack(rows)):
        model.zero_grad()
        if batch.options:
            with packed_attention(model):
                logits, labels = label_logits(model, batch)
                answer_loss(logits, batch, labels, 0.1).backward()
        else:
            logits, labels = label_logits(model, batch)
            answer_loss(logits, batch, labels, 0.1).backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
        found.append((by_row(logits, batch), gradients))
    (padded, one), (together, other) = found
    torch.testing.assert_close(together, padded)
    torch.testing.assert_close(other, one, atol=1e-6, rtol=1e-4)  # the loss is fp32


def test_a_row_does_not_see_its_neighbours(tiny, rows):
    model = tiny.model().double()
    with packed_attention(model):
        alone = [label_logits(model, pack([row]))[0] for row in rows]
        batch = pack(rows)
        logits, _ = label_logits(model, batch)
    torch.testing.assert_close(by_row(logits, batch), alone)


def test_exact_matches_are_those_of_padded_rows(tiny, rows, pad):
    model = tiny.model()
    wanted = label_logits(model, collate(rows, pad))[0].argmax(-1)
    right = pack(rows)
    right.labels[right.labels != IGNORED] = wanted
    last = (right.labels != IGNORED).nonzero()[-1]
    right.labels[tuple(last)] = (right.labels[tuple(last)] + 1) % model.config.vocab_size
    with packed_attention(model):
        assert exact_matches(model, right).tolist() == [True, True, True, False]


@pytest.mark.parametrize("overhead", [0, 8, 1000], ids=["unpadded", "few lengths", "one length"])
@pytest.mark.parametrize("max_tokens", [1, 30, 60, 10_000])
def test_packing_loses_no_row_and_keeps_to_the_limit(rows, max_tokens, overhead):
    batches = packed(rows[::-1], PAD, overhead=overhead, max_tokens=max_tokens)
    found, widths = [], []
    for batch in batches:
        lengths = batch.options["cu_seq_lens_q"].diff().tolist()
        assert batch.widths == tuple(lengths)
        pieces = zip(
            batch.row_slots.tolist(),
            batch.ids[0].split(lengths),
            batch.labels[0].split(lengths),
            batch.options["position_ids"][0].split(lengths),
            strict=True,
        )
        assert sum(lengths) <= max_tokens or len(lengths) == 1
        assert lengths == sorted(lengths)
        for slot, ids, labels, positions in pieces:
            answer = [i for i in labels.tolist() if i != IGNORED]
            assert positions.tolist() == list(range(len(ids)))
            real = tuple(i for i in ids.tolist() if i != PAD)
            found.append((slot, real, len(real) - len(answer)))
        widths += lengths
        assert batch.slots.tolist() == [batch.row_slots[batch.rows[0]].tolist()]
    assert sorted(found) == sorted((row.slot, row.ids, row.prompt_length) for row in rows)
    longest = max(len(row.ids) for row in rows)
    if overhead == 0:
        assert widths == sorted(len(row.ids) for row in rows)
    if overhead == 1000:
        assert widths == [longest] * len(rows)


def test_padded_rows_of_a_pack_get_the_logits_of_unpadded_ones(tiny, rows):
    model = tiny.model().double()
    widths = [len(row.ids) + 3 for row in rows]
    with packed_attention(model):
        exact, padded = pack(rows), pack(rows, widths)
        wanted = by_row(label_logits(model, exact)[0], exact)
        torch.testing.assert_close(by_row(label_logits(model, padded)[0], padded), wanted)


def test_no_rows_make_no_batches():
    assert packed([], PAD) == []


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_the_attention_is_put_back(tiny, fails):
    model = tiny.model()
    model.set_attn_implementation("eager")
    with pytest.raises(RuntimeError) if fails else packed_attention(model):
        if fails:
            with packed_attention(model):
                raise RuntimeError
        assert model.config._attn_implementation == packing.ATTENTION
    assert model.config._attn_implementation == "eager"


def test_flash_attention_is_left_to_do_it_by_itself(tiny):
    model = tiny.model()
    model.config._attn_implementation_internal = "flash_attention_2"
    with packed_attention(model):
        assert model.config._attn_implementation == "flash_attention_2"


def test_models_that_mix_positions_in_other_ways_are_padded(tiny):
    gpt2 = tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1))
    assert not packable(gpt2)
    assert not packable(kind_of(tiny, "mistral", sliding_window=4))
    assert not packable(
        kind_of(
            tiny,
            "qwen3",
            sliding_window=4,
            layer_types=["sliding_attention"] * 2,
            use_sliding_window=True,
        )
    )
    assert not packable(nn.Linear(2, 2))
