"""Generators that start as one LoRA for all tasks: from Python, in runs, and by `t2l train sft`."""

import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast as t2l
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.tasks
from t2l_fast import cli
from t2l_fast.errors import AdapterMismatch, ConfigError
from t2l_fast.generators import MultiTaskLora, TextToLora, offset_init
from t2l_fast.generators.parts import text_generator
from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTTrainer, WarmStartConfig


def one_for_all(config, seed: int = 5) -> t2l.LoraWeights:
    """A multi-task LoRA as after training."""
    torch.manual_seed(seed)
    made = MultiTaskLora(config)
    for b in made.lora_b.values():
        torch.nn.init.normal_(b, std=0.1)
    return made.weights()


@pytest.fixture
def model(tiny):
    return tiny.model()


@pytest.mark.parametrize("head_bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("offset", ["fixed", "learnable"])
@pytest.mark.parametrize("arch", ["L", "M", "S"])
def test_every_description_starts_as_the_one_lora(tiny, model, arch, offset, head_bias):
    generator = tiny.generator(model, arch=arch, offset=offset, head_bias=head_bias)
    weights = one_for_all(generator.config)
    before = generator.fingerprint
    offset_init(generator, weights)
    batch = generator.generate(["shift-2 please", "shift-3 it now"])
    for m in weights.lora_a:
        assert torch.equal(batch.lora_a[m], weights.lora_a[m][:, None].expand(-1, 2, -1, -1))
        assert torch.equal(batch.lora_b[m], weights.lora_b[m][:, None].expand(-1, 2, -1, -1))
    assert generator.fingerprint != before


def test_another_scale_gives_the_same_change_of_weights(tiny, model):
    generator = tiny.generator(model, offset="fixed", head_bias=False)
    weights = one_for_all(generator.config)
    doubled = replace(weights, config=replace(weights.config, alpha=2 * weights.config.alpha))
    offset_init(generator, doubled)
    made = generator.generate(["shift-2 please"])[0]
    for m in weights.lora_a:
        want = doubled.config.scaling * weights.lora_b[m].mT @ weights.lora_a[m]
        got = made.config.scaling * made.lora_b[m].mT @ made.lora_a[m]
        torch.testing.assert_close(got, want)


def test_what_does_not_fit_is_refused_and_changes_nothing(tiny, model):
    generator = tiny.generator(model, offset="learnable")
    weights = one_for_all(generator.config)
    before = generator.fingerprint
    fewer = replace(weights, lora_a=dict(list(weights.lora_a.items())[:1]),
                    lora_b=dict(list(weights.lora_b.items())[:1]), paths=None)  # fmt: skip
    with pytest.raises(AdapterMismatch, match=r"offsets must have \[layers, rank, d\]"):
        offset_init(generator, fewer)
    assert generator.fingerprint == before
    with pytest.raises(ConfigError, match="offset='fixed' or 'learnable', got 'none'"):
        offset_init(tiny.generator(model), weights)


@pytest.mark.parametrize("start", ["conditioned", "plain"])
@pytest.mark.parametrize("offset", ["fixed", "learnable"])
def test_runs_move_learnable_offsets_alone_and_resume_bitwise(runs, tiny, trainer, offset, start):
    def make(folder, seed=5):
        model = tiny.model()
        generator = tiny.generator(model, offset=offset, head_bias=start == "conditioned")
        offset_init(generator, one_for_all(generator.config, seed))
        return trainer(folder, model=model, generator=generator, start=start)

    whole = make("whole")
    before = {name: t.clone() for name, t in whole.generator.AB_offset.state_dict().items()}
    whole.train()
    after = whole.generator.AB_offset.state_dict()
    same = [torch.equal(t, after[name]) for name, t in before.items()]
    assert all(same) if offset == "fixed" else not any(same)
    with pytest.raises(runs.Interrupted):
        make("cut").train(on_step=runs.interrupt_at(3))
    # the run's checkpoint holds its offsets, whatever the new process starts from
    resumed = make("cut", seed=6)
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


@torch.no_grad()
def test_least_squares_fit_what_offsets_leave(tiny, model, tasks):
    """A warm start's oracles are adapters, not what is added to an offset."""
    from t2l_fast.train.sft.whiten import WhitenedHeads

    generator = tiny.generator(model, offset="fixed", dropout=0.0)
    offset_init(generator, one_for_all(generator.config))
    codes = torch.stack([generator.encode(task.descriptions)[0] for task in tasks])
    oracles = generator.generate(codes=codes)
    heads = WhitenedHeads(generator, codes)
    heads.least_squares([code[None] for code in codes], oracles)
    made = generator.generate(codes=codes)
    for got, want in zip(made.parameters(), oracles.parameters(), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_a_warm_start_begins_at_the_offset(tiny, runs, tasks, tmp_path):
    model = tiny.model()
    generator = tiny.generator(model, offset="learnable")
    offset_init(generator, one_for_all(generator.config))
    made = SFTTrainer(
        generator, model, Prompt(tiny.tokenizer()), tasks, runs.config(steps=1), tmp_path,
        warm_start=WarmStartConfig(steps=2, tasks_at_once=6, fit_steps=20),
    )  # fmt: skip
    lines = []
    made.train(on_step=lines.append)
    assert lines[-1]["step"] == 1 and any(line.get("phase") == "fit" for line in lines)


def test_train_sft_takes_encoder_and_offset(tiny, tasks, tmp_path, monkeypatch):
    """The command as a user runs it, on a tiny model: a LoRA for all tasks, then a generator."""
    monkeypatch.setattr(t2l.models, "default_cache", lambda: tmp_path)
    monkeypatch.setattr(t2l.models, "load_model", lambda *_, **__: (tiny.model(), tiny.tokenizer()))
    monkeypatch.setattr(t2l_fast.encoders, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(text_generator, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda *_, **__: tasks)

    def run(out, *arguments):
        common = ["--tasks", "any", "--steps", "2", "--tasks-per-batch", "4", "--eval-every", "0"]
        common += ["--latent-size", "16", "--head-in-size", "8", "--json"]
        result = CliRunner().invoke(
            cli.app, ["train", "sft", str(tmp_path / out), *common, *arguments]
        )
        assert result.exit_code == 0, result.exception
        return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]

    run("all", "--generator", "multi_task_lora")
    options = ["--task-encoder", "vq", "--offset", "learnable"]
    lines = run("made", *options, "--offset-from", str(tmp_path / "all"), "--start", "plain")
    assert "auxiliary_loss" in lines[-1]
    config = TextToLora.from_pretrained(tmp_path / "made", encoder=tiny.encoder()).config
    assert (config.task_encoder, config.offset, config.head_bias) == ("vq", "learnable", False)
    fixed = ["--offset", "fixed", "--offset-from", str(tmp_path / "all")]
    run("still", *fixed)
    read = TextToLora.from_pretrained(tmp_path / "still", encoder=tiny.encoder())
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "all")
    for m in weights.lora_a:
        a, b = read.AB_offset.of(m)
        # saved in half precision
        torch.testing.assert_close(a, weights.lora_a[m], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(b, weights.lora_b[m], rtol=1e-3, atol=1e-4)


def test_train_sft_shows_encoder_and_offset_and_refuses_half_of_it(tmp_path):
    arguments = ["train", "sft", "nowhere", "--offset-from", str(tmp_path), "--print-config"]
    half = CliRunner().invoke(cli.app, arguments)
    assert "--offset fixed or learnable, got text_to_lora and none" in str(half.exception)
    whole = CliRunner().invoke(
        cli.app, [*arguments, "--offset", "learnable", "--task-encoder", "softmax"]
    )
    shown = json.loads(whole.stdout)
    assert shown["task_encoder"] == "softmax" and shown["offset"] == "learnable"
    assert shown["offset_from"] == str(tmp_path)
