"""Codes fitted to examples: each alone, while generator and base model stay as they are."""

import pytest
import torch
import transformers as tf

from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.tasks import Prompt
from t2l_fast.train import FitConfig, fit_codes

CONFIG = FitConfig(steps=20, rows=12, learning_rate=0.1)


@pytest.fixture
def fit(tiny, trainer, tasks):
    """Fits codes of three tasks, from a wrong description on, with a generator that knows them."""
    made = trainer(model=tiny.taught(), steps=40, eval_every=0, save_every=40)
    made.train()
    generator, model, prompt = made.generator, made.model, made.collator.prompt
    codes = generator.encode([task.descriptions[0] for task in tasks[3:6]])

    def run(which=(0, 1, 2), config=CONFIG, **options):
        examples = [tasks[i].train for i in which]
        return fit_codes(generator, model, prompt, examples, codes[list(which)], config, **options)

    run.generator, run.model, run.codes = generator, model, codes
    return run


def test_examples_are_answered_better_and_codes_keep_their_length(fit):
    lines = []
    found = fit(on_step=lines.append)
    losses = [line["loss"] for line in lines]
    assert [line["step"] for line in lines] == list(range(1, 21))
    assert losses[-1] < 0.8 * losses[0]
    assert found.shape == fit.codes.shape and not found.requires_grad
    assert not torch.allclose(found, fit.codes, atol=0.1)
    torch.testing.assert_close(found.norm(dim=1), fit.codes.norm(dim=1))


def test_a_code_becomes_what_it_would_alone(fit):
    together = fit()
    for i in range(3):
        torch.testing.assert_close(fit([i])[0], together[i], rtol=1e-3, atol=1e-3)


def test_nothing_but_codes_is_trained(fit, tiny):
    fit.generator.train()
    flags = [p.requires_grad for p in fit.generator.parameters()]
    before, base = tiny.state(fit.generator), tiny.state(fit.model)
    codes = fit.codes.clone()
    fit()
    assert fit.generator.training and all(flags)
    assert [p.requires_grad for p in fit.generator.parameters()] == flags
    assert all(p.grad is None for p in (*fit.generator.parameters(), *fit.model.parameters()))
    for module, state in ((fit.generator, before), (fit.model, base)):
        assert all(torch.equal(t, state[name]) for name, t in module.state_dict().items())
    assert torch.equal(fit.codes, codes)


def test_seed_and_examples_decide(fit):
    assert torch.equal(fit(), fit())
    other = FitConfig(CONFIG.steps, CONFIG.rows, CONFIG.learning_rate, seed=1)
    assert not torch.equal(fit(), fit(config=other))


def test_what_does_not_fit_together_is_refused(fit, tiny):
    prompt = Prompt(tiny.tokenizer())
    for examples, codes in (([], fit.codes), ([[], [], []], fit.codes), ([], fit.codes[:0])):
        with pytest.raises(ArgumentError, match=f"example each, got {len(codes)} codes"):
            fit_codes(fit.generator, fit.model, prompt, examples, codes)


@pytest.mark.parametrize("kind", ["vq", "softmax", "discrete"])
def test_codes_of_other_task_encoders(tiny, tasks, kind):
    """On a model whose rows are padded."""
    model = tiny.model(tf.Gemma2ForCausalLM, tf.Gemma2Config)
    model.config._attn_implementation = "eager"
    generator = tiny.generator(model, task_encoder=kind)
    for head in generator.heads.values():
        torch.nn.init.normal_(head.weight, std=0.1)
    codes = generator.encode(["shift-2 please"])
    arguments = generator, model, Prompt(tiny.tokenizer()), [tasks[0].train], codes, CONFIG
    if kind == "discrete":
        with pytest.raises(ConfigError, match="a discrete task encoder"):
            fit_codes(*arguments)
    else:
        found = fit_codes(*arguments)
        assert found.isfinite().all() and not torch.equal(found, codes)


@pytest.mark.parametrize("changes", [dict(steps=0), dict(rows=0), dict(learning_rate=0.0)], ids=str)
def test_values_out_of_range_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        FitConfig(**changes)
