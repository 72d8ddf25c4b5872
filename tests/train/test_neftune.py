"""Noise on embeddings: its size by each row's own length, its seed, and its end."""

from dataclasses import replace

import pytest
import torch

from t2l_fast.train.data.batches import Row
from t2l_fast.train.data.packing import collate, pack
from t2l_fast.train.model.neftune import noisy_embeddings

ROWS = [Row(0, (1, 5, 6, 7), 2), Row(1, (1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 10)]
ALPHA = 5.0


@pytest.fixture
def model(tiny):
    return tiny.model()


def noise(model, batch, alpha=ALPHA, seed=0) -> torch.Tensor:
    with torch.no_grad():
        plain = model.get_input_embeddings()(batch.ids)
        with noisy_embeddings(model, batch, alpha, seed):
            return model.get_input_embeddings()(batch.ids) - plain


FORMS = [pack, lambda rows: collate(rows, 0), lambda rows: pack(rows, [9, 16])]


@pytest.mark.parametrize("form", FORMS, ids=["packed", "padded", "packed with padding"])
def test_the_bound_is_that_of_each_rows_own_length(model, form):
    batch = form(ROWS)
    found = noise(model, batch).abs().amax(-1)
    width = model.config.hidden_size
    for slot, row in enumerate(ROWS):
        bound = ALPHA / (len(row.ids) * width) ** 0.5
        real = found[batch.rows == slot][: len(row.ids)]
        assert len(real) == len(row.ids)
        assert (real <= bound).all() and real.max() > 0.8 * bound


def test_a_rows_noise_is_its_own_whatever_it_shares_a_batch_with(model):
    rows = [replace(row, number=number) for number, row in enumerate(ROWS)]
    together, padded = noise(model, pack(rows)), noise(model, collate(rows, 0))
    for number, row in enumerate(rows):
        alone = noise(model, pack([row]))[0]
        torch.testing.assert_close(together[pack(rows).rows == number], alone)
        torch.testing.assert_close(padded[number, : len(row.ids)], alone)
        assert not padded[number, len(row.ids) :].any()
    same = [noise(model, pack([replace(ROWS[0], number=n)]), seed=s) for n, s in ((0, 0), (1, 0))]
    assert not torch.equal(*same)
    assert not torch.equal(same[0], noise(model, pack(ROWS[:1]), seed=5))


def test_without_noise_and_afterwards_embeddings_are_the_models(model):
    batch = pack(ROWS)
    assert not noise(model, batch, 0.0).any()
    noise(model, batch)
    assert not model.get_input_embeddings()._forward_hooks


def test_published_settings_train_and_resume_bitwise(runs, tiny, trainer):
    options = dict(
        neftune_alpha=5.0, label_smoothing=0.1, schedule="linear", start="plain", contrast=1,
        examples_per_task=1, autocast=True, mix_descriptions=False, descriptions_per_task=1,
    )  # fmt: skip
    whole = trainer("whole", **options)
    assert {len(task.descriptions) for task in whole.tasks} == {1}
    whole.train()
    cut = trainer("cut", **options)
    with pytest.raises(runs.Interrupted):
        cut.train(on_step=runs.interrupt_at(3))
    again = trainer("cut", **options)
    again.train(resume=True)
    runs.assert_same(whole, again)
    assert not again.model.get_input_embeddings()._forward_hooks


def test_long_prompts_and_answers_lose_their_beginning(tiny):
    from t2l_fast.tasks import Example, Prompt
    from t2l_fast.train.data.collator import Collator

    prompt = Prompt(tiny.tokenizer())
    example = Example("abcdef", "xyzw")
    start, end = prompt.ids("abcdef"), prompt.answer_ids("xyzw")
    row = Collator(prompt, max_tokens=4).row(0, example)
    assert row.ids == (*start[-4:], *end[-4:]) and row.prompt_length == 4
    assert Collator(prompt).row(0, example).ids == (*start, *end)
