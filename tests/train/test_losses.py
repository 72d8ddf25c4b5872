"""Losses over label positions, beside the whole logits and Hugging Face's loss."""

import pytest
import torch
import transformers as tf

from t2l_fast.errors import UnsupportedModel
from t2l_fast.tasks import Example, Prompt, answer
from t2l_fast.train.data.batches import IGNORED
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.data.packing import collate
from t2l_fast.train.model.losses import answer_loss, exact_matches, label_logits

EXAMPLES = [Example("a", "bcd"), Example("long input", "x"), Example("ab", "many words here")]


@pytest.fixture(params=["llama", "gemma2"])
def model(request, tiny):
    if request.param == "llama":
        return tiny.model()
    made = tiny.model(tf.Gemma2ForCausalLM, tf.Gemma2Config, final_logit_softcapping=0.05)
    made.config._attn_implementation = "eager"
    return made


@pytest.fixture
def collator(tiny):
    return Collator(Prompt(tiny.tokenizer()))


@pytest.fixture
def batch(collator):
    return collate([collator.row(i, e) for i, e in enumerate(EXAMPLES)], collator.pad)


@torch.no_grad()
def test_label_logits_are_the_whole_logits_at_label_positions(model, batch):
    logits, labels = label_logits(model, batch)
    picked = batch.labels != IGNORED
    whole = model(input_ids=batch.ids).logits
    torch.testing.assert_close(logits, whole[picked])
    assert torch.equal(labels, batch.labels[picked])


@torch.no_grad()
def test_a_soft_cap_is_kept(tiny, batch):
    """The cap follows the head, so it has to act on the picked positions, too."""
    kind = tf.Gemma2ForCausalLM, tf.Gemma2Config
    capped = tiny.model(*kind, final_logit_softcapping=0.05)
    free = tiny.model(*kind, final_logit_softcapping=None)
    assert label_logits(capped, batch)[0].abs().max() <= 0.05
    assert label_logits(free, batch)[0].abs().max() > 0.05


@torch.no_grad()
def test_the_whole_head_is_back_afterwards(tiny, batch):
    model = tiny.model()
    before = model(input_ids=batch.ids).logits
    label_logits(model, batch)
    assert torch.equal(model(input_ids=batch.ids).logits, before)


def test_the_whole_head_is_back_after_an_error(tiny, batch):
    model = tiny.model()
    handle = model.lm_head.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        label_logits(model, batch)
    handle.remove()
    assert model(input_ids=batch.ids).logits.shape[:2] == batch.ids.shape


def test_a_model_without_an_output_head_is_refused(tiny, batch):
    with pytest.raises(UnsupportedModel, match="output head, got LlamaModel"):
        label_logits(tiny.model(tf.LlamaModel), batch)


@torch.no_grad()
def test_padding_changes_no_logit(model, collator, batch):
    together, _ = label_logits(model, batch)
    rows = [collator.row(0, example) for example in EXAMPLES]
    alone = [label_logits(model, collate([row], collator.pad))[0] for row in rows]
    torch.testing.assert_close(together, torch.cat(alone))


def hugging_face(model, row) -> torch.Tensor:
    ids = torch.tensor([row.ids])
    labels = ids.clone()
    labels[:, : row.prompt_length] = IGNORED
    return model(input_ids=ids, labels=labels).loss


@torch.no_grad()
def test_the_loss_of_one_row_is_hugging_faces(model, collator):
    row = collator.row(0, EXAMPLES[2])
    batch = collate([row], collator.pad)
    torch.testing.assert_close(
        answer_loss(*_with(model, batch), smoothing=0.0), hugging_face(model, row)
    )


@torch.no_grad()
def test_rows_count_alike_however_long_their_answers(model, collator, batch):
    """The sum over rows of each row's mean, not a mean over tokens."""
    loss = answer_loss(*_with(model, batch), smoothing=0.0)
    rows = [hugging_face(model, collator.row(0, e)) for e in EXAMPLES]
    torch.testing.assert_close(loss / len(rows), torch.stack(rows).mean())


@torch.no_grad()
def test_label_smoothing_mixes_in_the_uniform_distribution(model, batch):
    logits, _, labels = _with(model, batch)
    log_p = logits.double().log_softmax(-1)
    smooth = 0.9 * -log_p.gather(1, labels[:, None])[:, 0] + 0.1 * -log_p.mean(1)
    counts = (batch.labels != IGNORED).sum(1).tolist()
    truth = sum(part.mean() for part in smooth.split(counts))
    torch.testing.assert_close(answer_loss(logits, batch, labels, 0.1).double(), truth)


def test_the_loss_keeps_32_bits_under_autocast(model, batch):
    logits, _, labels = _with(model, batch)
    logits = 100 * logits.detach()
    wanted = answer_loss(logits, batch, labels, 0.1)
    with torch.autocast("cpu", torch.bfloat16):
        found = answer_loss(logits, batch, labels, 0.1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=0)


def test_gradients_reach_the_model_through_the_picked_positions(tiny, batch):
    model = tiny.model()
    answer_loss(*_with(model, batch), smoothing=0.0).backward()
    assert all(p.grad is not None and p.grad.any() for p in model.model.layers.parameters())


def test_exact_matches_are_what_greedy_decoding_gives(tiny, collator):
    """Half of the outputs are what the model answers, some differ, some only begin alike."""
    model = tiny.taught()
    wanted = [Example(a, b) for a, b in tiny.shift(1).items()]
    wanted[2] = Example(wanted[2].input, wanted[2].output + "x")
    wanted[5] = Example(wanted[5].input, wanted[4].output)
    wanted += [Example("zz", "q"), Example("hello", "i")]
    batch = collate([collator.row(0, e) for e in wanted], collator.pad)
    given = answer(model, collator.prompt, [e.input for e in wanted], max_new_tokens=4)
    right = [e.accepts(text) for e, text in zip(wanted, given, strict=True)]
    assert exact_matches(model, batch).tolist() == right
    assert sum(right[:12]) == 10


def _with(model, batch):
    logits, labels = label_logits(model, batch)
    return logits, batch, labels
