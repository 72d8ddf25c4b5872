"""Training that goes on from a generator: it starts where that one is, and no other."""

import json

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.tasks
from t2l_fast import cli
from t2l_fast.errors import CheckpointError, ConfigError
from t2l_fast.generators import TextToLora
from t2l_fast.generators.parts import text_generator
from t2l_fast.train import WarmStartConfig
from t2l_fast.train.sft.sampler import Sampler
from t2l_fast.train.sft.whiten import WhitenedHeads


@pytest.fixture
def taught(tiny, trainer, tmp_path):
    """Makes copies of one trained generator."""
    made = trainer("first", start="plain")
    made.train()
    made.generator.save_pretrained(tmp_path / "taught")

    def read():
        return TextToLora.from_pretrained(tmp_path / "taught", encoder=tiny.encoder())

    return read


def adapters_of(generator, tasks) -> list[torch.Tensor]:
    codes = torch.cat([generator.encode(task.descriptions) for task in tasks])
    return generator.generate(codes=codes).parameters()


def differs(mine, other) -> float:
    return max((a - b).abs().max().item() for a, b in zip(mine, other, strict=True))


@pytest.mark.parametrize(
    ("start", "kept"), [("given", True), ("plain", True), ("conditioned", False)]
)
def test_only_a_conditioned_start_changes_what_a_generator_computes(
    trainer, taught, tasks, start, kept
):
    generator = taught()
    before = adapters_of(generator, tasks)
    run = trainer("second", generator=generator, start=start)
    run.optimizer.initialise(run.codes.embeddings)
    assert (differs(adapters_of(generator, tasks), before) == 0) == kept


def test_whitened_heads_start_at_what_the_heads_compute(taught, tasks):
    generator = taught()
    before = adapters_of(generator, tasks)
    codes = torch.cat([generator.encode(task.descriptions[:1]) for task in tasks])
    heads = WhitenedHeads(generator, codes)
    assert max(p.abs().max() for name, p in heads.parameters.items() if name.endswith("v")) > 0
    with torch.no_grad():
        for head in generator.heads.values():
            head.weight.zero_()
            head.bias.zero_()
    assert differs(adapters_of(generator, tasks), before) > 1e-3
    heads.push_values()
    assert differs(adapters_of(generator, tasks), before) < 1e-4


def test_whitened_heads_of_a_new_generator_start_at_zero(tiny, tasks):
    generator = tiny.generator(tiny.model())
    biases = {name: head.bias.detach().clone() for name, head in generator.heads.items()}
    codes = torch.cat([generator.encode(task.descriptions[:1]) for task in tasks])
    heads = WhitenedHeads(generator, codes)
    for name, bias in biases.items():
        assert not heads.parameters[f"{name}.v"].any()
        assert torch.equal(heads.parameters[f"{name}.c"], bias)


def test_heads_without_a_bias_go_on_as_they_are_not_whitened(tiny, trainer, tasks):
    """As those of z-scores; and training still moves them."""
    generator = tiny.generator(tiny.model(), head_bias=False)
    with torch.no_grad():
        for head in generator.heads.values():
            head.weight.normal_(std=0.05)
    before = adapters_of(generator, tasks)
    run = trainer("bare", generator=generator, start="given", steps=1, eval_every=0)
    run.optimizer.initialise(run.codes.embeddings)
    assert not run.optimizer.whitens and run.optimizer.whitened is None
    assert differs(adapters_of(generator, tasks), before) == 0
    heads = [id(head.weight) for head in generator.heads.values()]
    assert [id(p) for p in run.optimizer.adamw.param_groups[0]["params"]] == heads
    run.train()
    assert differs(adapters_of(generator, tasks), before) > 0


def test_the_first_loss_is_the_generators_own(trainer, taught):
    losses = {}
    for start in ("given", "conditioned", "plain"):
        made = trainer(start, generator=taught(), start=start, steps=1, eval_every=0)
        made.preparation.sampler = Sampler(made.tasks, made.config)  # the same rows for all
        lines: list[dict] = []
        made.train(on_step=lines.append)
        losses[start] = lines[0]["loss"]
    assert losses["given"] == pytest.approx(losses["plain"], rel=1e-5)
    assert losses["conditioned"] != pytest.approx(losses["plain"], rel=1e-3)


def test_a_given_run_draws_other_rows_than_a_new_one(trainer, taught):
    new, given = (trainer(name, start=name, generator=taught()) for name in ("plain", "given"))
    assert new.preparation.sampler.draw(0) != given.preparation.sampler.draw(0)


def test_a_given_run_resumes_bit_for_bit_and_from_no_other_generator(runs, trainer, taught, tiny):
    whole = trainer("whole", generator=taught(), start="given")
    whole.train()
    with pytest.raises(runs.Interrupted):
        trainer(generator=taught(), start="given").train(on_step=runs.interrupt_at(3))
    with pytest.raises(CheckpointError, match="given: "):
        trainer(generator=tiny.generator(tiny.model()), start="given").train(resume=True)
    resumed = trainer(generator=taught(), start="given")
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


def test_standardised_codes_stay_as_the_generator_was_trained(tiny, trainer, tasks):
    made = tiny.generator(tiny.model(), standardise_codes=True)
    made.standardise(["something", "quite other", "third"])
    mean = made.code_mean.clone()
    trainer("given", generator=made, start="given").prepare()
    assert torch.equal(made.code_mean, mean)
    trainer("plain", generator=made, start="plain").prepare()
    assert not torch.equal(made.code_mean, mean)


def test_a_warm_start_is_for_new_generators(tiny, runs, taught, tasks, tmp_path):
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import SFTTrainer

    with pytest.raises(ConfigError, match="got start='given'"):
        SFTTrainer(
            taught(), tiny.model(), Prompt(tiny.tokenizer()), tasks, runs.config(start="given"),
            tmp_path / "warm", warm_start=WarmStartConfig(),
        )  # fmt: skip


@pytest.fixture
def command(tiny, tasks, tmp_path, monkeypatch):
    """Runs `t2l train sft` on tiny parts."""
    parts = lambda *_, **__: (tiny.model(), tiny.tokenizer())  # noqa: E731
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path)
    monkeypatch.setattr(t2l_fast.models, "load_model", parts)
    monkeypatch.setattr(t2l_fast.encoders, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(text_generator, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda *_, **__: tasks)

    def run(out, *arguments):
        common = ["--tasks", "any", "--steps", "2", "--tasks-per-batch", "4", "--eval-every", "0"]
        return CliRunner().invoke(
            cli.app, ["train", "sft", str(tmp_path / out), *common, "--json", *arguments]
        )

    return run


def test_init_goes_on_from_a_generator_of_any_shape(command, tmp_path, tiny):
    shape = ["--arch", "S", "--rank", "2", "--latent-size", "16", "--head-in-size", "8"]
    first = command("first", *shape, "--rank-positions", "learnable")
    assert first.exit_code == 0, first.exception
    second = command("second", "--init", str(tmp_path / "first"))
    assert second.exit_code == 0, second.exception
    made, went_on = (
        TextToLora.from_pretrained(tmp_path / name, encoder=tiny.encoder())
        for name in ("first", "second")
    )
    assert went_on.config == made.config and went_on.config.rank_positions == "learnable"
    settings = json.loads((tmp_path / "second" / "settings.json").read_text())
    read = TextToLora.from_pretrained(tmp_path / "first")
    assert settings["sft"]["start"] == "given" and settings["given"] == read.fingerprint


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init", "smollm2", "--rank", "8"], "--rank must be what the generator of --init"),
        (["--init", "smollm2", "--generator", "multi_task_lora"], "--generator must be"),
        (["--init", "smollm2", "--start", "conditioned"], "--start conditioned is for new"),
        (["--init", "smollm2", "--prompt", "chat"], "--prompt is for new generators"),
        (["--start", "given"], "name it by --init"),
        (["--init", "smollm3"], "a folder, or a name on the Hugging Face hub, got 'smollm3'"),
    ],
    ids=["shape", "multi-task", "start", "prompt", "nothing given", "unknown"],
)
def test_options_that_contradict_init_are_refused(command, arguments, message):
    result = command("out", *arguments)
    assert isinstance(result.exception, t2l_fast.errors.T2LError)
    assert message in str(result.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--preset", "llama", "--rank", "2", "--track", "tensorboard"],
        ["--init", "smollm2", "--bucket-overhead", "7", "--eval-examples", "2", "--warm-start"],
    ],
    ids=["defaults", "preset", "init"],
)
def test_printed_settings_can_be_read_again(tmp_path, arguments):
    def shown(*given: str) -> str:
        called = ["train", "sft", "nowhere", *given, "--print-config"]
        result = CliRunner().invoke(cli.app, called)
        assert result.exit_code == 0, result.exception
        return result.stdout

    first = shown(*arguments)
    file = tmp_path / "settings.json"
    file.write_text(first)
    assert shown("--config", str(file)) == first
    called = {name.removeprefix("--").replace("-", "_") for name in arguments[::2]}
    assert called - {"preset", "warm_start"} <= json.loads(first).keys()
