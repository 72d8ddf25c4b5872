"""The text encoder trained with the generator: it moves, is saved with it, and resumes."""

import pytest
import torch

from t2l_fast.errors import ConfigError, EncoderError
from t2l_fast.generators import MultiTaskLora, TextToLora
from t2l_fast.train.sft.code_source import draw_codes


@pytest.fixture(scope="module")
def folder(tiny_folder):
    return str(tiny_folder("end-to-end"))


@pytest.fixture
def run(tiny, trainer, folder):
    """A run whose generator embeds by a tiny BERT that is trained too."""
    from dataclasses import replace

    from t2l_fast.encoders import load_encoder

    def make(name: str = "run", encoder: str | None = None, **changes):
        loaded = load_encoder(encoder or folder)
        plain = tiny.generator(tiny.model())
        config = replace(plain.config, encoder=loaded.name, task_embedding_size=loaded.dim)
        torch.manual_seed(1)
        generator = TextToLora(config, encoder=loaded)
        settings = dict(encoder_rank=2, encoder_learning_rate=1e-2, start="plain")
        return trainer(name, generator=generator, **(settings | changes))

    return make


def state(made) -> dict[str, torch.Tensor]:
    return {name: t.detach().clone() for name, t in made.optimizer.state().items()}


def test_the_encoder_moves_and_a_frozen_one_does_not(run, folder):
    made = run()
    texts = [task.descriptions[0] for task in made.tasks]
    before = made.generator.encode(texts)
    made.train()
    assert (made.generator.encode(texts) - before).abs().max() > 1e-2
    frozen = run("frozen", encoder_rank=0)
    before = frozen.generator.encode(texts)
    frozen.train()
    assert torch.equal(frozen.generator.encode(texts), before)


def test_gradients_of_the_encoder_are_those_of_the_loss(run):
    """Of one number, against a difference quotient."""
    made = run(code_noise=0.0)
    with torch.no_grad():
        for parameter in made.generator.heads.parameters():  # new ones give nothing a gradient
            parameter.add_(0.3 * torch.randn(parameter.shape))
    name, parameter = next(
        (k, p) for k, p in made.codes.encoder.parameters().items() if "lora_B" in k
    )

    def loss() -> float:
        with made.attached() as adapters:
            made.generator.eval()  # no dropout
            line = made.backward(adapters, made.preparation.step(0))
        return line["loss"] + line["l2"]

    loss()
    place, eps = parameter.grad.abs().argmax(), 1e-2
    slope, found = parameter.grad.flatten()[place].item(), []
    for sign in (1, -1):
        with torch.no_grad():
            parameter.flatten()[place] += sign * eps
        found.append(loss())
        with torch.no_grad():
            parameter.flatten()[place] -= sign * eps
    assert abs(slope) > 1e-4
    assert (found[0] - found[1]) / (2 * eps) == pytest.approx(slope, rel=0.05)


def test_what_is_saved_embeds_and_generates_as_the_trained_one(run, tmp_path):
    made = run()
    made.train()
    texts = [task.descriptions[0] for task in made.tasks]
    made.generator.save_pretrained(tmp_path / "saved")
    loaded = TextToLora.from_pretrained(tmp_path / "saved")
    assert loaded.config.encoder == made.generator.config.encoder == made.codes.encoder.name
    found, wanted = (g.generate(texts).parameters() for g in (loaded, made.generator))
    for mine, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-4)


def test_after_training_the_encoder_is_what_was_saved_of_it(run):
    made = run()
    made.train()
    for parameter in made.codes.parameters.values():
        assert torch.equal(parameter, parameter.half().float())


def test_an_interrupted_run_leaves_a_generator_that_can_be_saved(run, tmp_path):
    made = run()

    def interrupt(line: dict) -> None:
        if line["step"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.train(on_step=interrupt)
    made.generator.save_pretrained(tmp_path / "saved")
    texts = [task.descriptions[0] for task in made.tasks]
    loaded = TextToLora.from_pretrained(tmp_path / "saved")
    torch.testing.assert_close(loaded.encode(texts), made.generator.encode(texts))


def test_the_generator_of_a_checkpoint_has_the_encoder_of_its_step(runs, run):
    made = run(eval_every=0)
    names = {}
    real = made._save
    made._save = lambda: (real(), names.update({made.step: made.codes.encoder.name}))
    with pytest.raises(runs.Interrupted):
        made.train(on_step=runs.interrupt_at(3))
    left = TextToLora.from_pretrained(made.folder / "last")
    assert left.encoder.name == left.config.encoder == names[2] != made.codes.encoder.name


def test_codes_are_varied_as_those_of_a_frozen_encoder(run):
    """Mixtures of two descriptions, and noise."""
    made = run(code_noise=0.5, mix_descriptions=True)
    known = [made.generator.encode(task.descriptions) for task in made.tasks]
    draws = [draw for step in range(4) for draw in made.preparation.sampler.draw(step)]
    assert any(draw.mixture and draw.descriptions[0] != draw.descriptions[1] for draw in draws)
    torch.testing.assert_close(made.codes.of(draws).detach(), draw_codes(known, draws, 0.5))


def test_the_best_generator_has_the_encoder_of_its_step(run):
    made = run(eval_every=2)
    made.train()
    best = TextToLora.from_pretrained(made.best.folder)
    assert best.encoder.name == best.config.encoder
    assert best.encode(["any text"]).shape == (1, best.encoder.dim)


def test_evaluations_embed_texts_anew(run):
    made = run(eval_every=1, eval_examples=1, encoder_learning_rate=0.1)
    seen = []
    real = made.validator._accuracy
    made.validator._accuracy = lambda *args: seen.append(args[4].clone()) or real(*args)
    made.train()
    matched = seen[:: len(seen) // made.config.steps]
    assert len(matched) == made.config.steps
    assert not torch.allclose(matched[0], matched[-1], atol=1e-2)


@pytest.mark.parametrize("start", ["plain", "conditioned"])
def test_a_resumed_run_equals_an_uninterrupted_one(runs, run, start):
    options = dict(start=start, code_noise=0.3)
    whole = run("whole", **options)
    whole.train()
    with pytest.raises(runs.Interrupted):
        run(**options).train(on_step=runs.interrupt_at(3))
    resumed = run(**options)
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)
    assert any(name.startswith("encoder.") for name in state(whole))
    expected = state(whole)
    for name, tensor in state(resumed).items():
        assert torch.equal(tensor, expected[name]), name


def test_training_goes_on_from_a_trained_encoder(run, folder, tmp_path):
    first = run("first")
    first.train()
    first.codes.encoder.adapter.write(tmp_path / "lora")
    second = run("second", encoder=f"{folder}+{tmp_path / 'lora'}", encoder_rank=3)
    texts = [task.descriptions[0] for task in first.tasks]
    rows = second.generator.encode(texts)
    torch.testing.assert_close(rows, first.generator.encode(texts), rtol=1e-3, atol=1e-3)
    with pytest.raises(EncoderError, match="^encoder_rank must be at least 2, .* got 1: raise it"):
        run("third", encoder=f"{folder}+{tmp_path / 'lora'}", encoder_rank=1).prepare()


def test_generators_without_a_text_encoder_are_refused(tiny, trainer):
    model = tiny.model()
    for generator in (tiny.generator(model), MultiTaskLora(tiny.generator(model).config)):
        with pytest.raises(ConfigError, match="encoder_rank=2 needs a generator whose"):
            trainer("refused", generator=generator, encoder_rank=2)


def test_a_refusal_comes_before_texts_are_embedded(tiny, trainer, monkeypatch):
    generator = tiny.generator(tiny.model())
    monkeypatch.setattr(generator, "encode", lambda texts: pytest.fail("texts were embedded"))
    with pytest.raises(ConfigError, match="needs a generator whose config names"):
        trainer("refused", generator=generator, encoder_rank=2)


def test_settings_are_checked():
    from t2l_fast.train import SFTConfig

    with pytest.raises(ConfigError, match="encoder_rank"):
        SFTConfig(steps=1, encoder_rank=-1)
    with pytest.raises(ConfigError, match="encoder_learning_rate"):
        SFTConfig(steps=1, encoder_learning_rate=0.0)
