"""A generator behind another encoder: a description means there what its task meant before."""

import json

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.tasks
from t2l_fast import cli
from t2l_fast.encoders import load_encoder
from t2l_fast.errors import ArgumentError, CheckpointError, ConfigError
from t2l_fast.generators import TextToLora
from t2l_fast.train import EncoderConfig, adopt_encoder, fit_encoder


class Turned:
    """Another encoder's embeddings in a wider space, with directions of its own."""

    def __init__(self, encoder, dim: int = 24) -> None:
        self.inner, self.dim, self.name = encoder, dim, f"turned-{encoder.name}"
        draws = torch.Generator().manual_seed(7)
        self.turn = torch.linalg.qr(torch.randn(dim, dim, generator=draws))[0][: encoder.dim]

    def encode(self, texts) -> torch.Tensor:
        return self.inner.encode(texts) @ self.turn + 1.0


@pytest.fixture
def taught(tiny, trainer):
    """A trained generator."""
    made = trainer("first", start="plain")
    made.train()
    return made.generator


def adapters(generator, texts) -> torch.Tensor:
    made = generator.generate(list(texts))
    return torch.cat([t.movedim(1, 0).flatten(1) for t in made.parameters()], 1)


def test_what_can_be_expressed_is_kept(tiny, taught):
    texts = [f"word{i} please" for i in range(60)]
    made = adopt_encoder(taught, Turned(tiny.encoder()), [[text] for text in texts])
    assert made.config.task_embedding_size == 24 and made.encoder.name == made.config.encoder
    before, after = adapters(taught, texts), adapters(made, texts)
    spread = (before - before.mean(0)).norm(dim=1).mean()
    assert (after - before).norm(dim=1).max() < 0.02 * spread


def test_wordings_of_a_task_come_nearer_to_its_mean(tiny, taught, tasks):
    made = adopt_encoder(taught, Turned(tiny.encoder()), [t.descriptions for t in tasks])
    first, second = ([t.descriptions[i] for t in tasks] for i in (0, 1))

    def apart(generator) -> float:
        return (adapters(generator, first) - adapters(generator, second)).norm().item()

    assert apart(made) < apart(taught)


@torch.no_grad()
def test_every_wording_gives_what_the_tasks_mean_code_gave(tiny, taught, tasks):
    """Few wordings in many dimensions: the fit is exact but for its ridge."""
    encoder = Turned(tiny.encoder())
    made = adopt_encoder(taught, encoder, [t.descriptions for t in tasks])
    before, after = taught.task_encoder.mlp[0], made.task_encoder.mlp[0]
    wanted = torch.stack([before(taught.encode(t.descriptions).mean(0)) for t in tasks])
    for place in (0, 1):
        got = after(encoder.encode([t.descriptions[place] for t in tasks]))
        assert (got - wanted).norm() < 0.01 * (wanted - wanted.mean(0)).norm()


def test_the_generator_that_is_given_stays_as_it_was(tiny, taught, tasks):
    before, name = tiny.state(taught), taught.fingerprint
    made = adopt_encoder(taught, Turned(tiny.encoder()), [t.descriptions for t in tasks])
    assert name != made.fingerprint
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    assert taught.fingerprint == name
    assert all(torch.equal(t, before[k]) for k, t in taught.state_dict().items())


@pytest.mark.parametrize(
    "options",
    [dict(task_encoder="vq"), dict(standardise_codes=True)],
    ids=["vq", "standardised"],
)
def test_task_encoders_that_are_no_affine_map_are_refused(tiny, tasks, options):
    made = tiny.generator(tiny.model(), **options)
    with pytest.raises(ConfigError, match="keep its encoder"):
        adopt_encoder(made, Turned(tiny.encoder()), [t.descriptions for t in tasks])


def test_too_few_descriptions_are_refused(tiny, taught):
    with pytest.raises(ArgumentError, match="at least 2"):
        adopt_encoder(taught, Turned(tiny.encoder()), [["alone"]])


@pytest.fixture(scope="module")
def fitted(tiny_folder, tmp_path_factory):
    """A tiny sentence encoder's folder, and one with an adapter for it."""
    folder, lora = tiny_folder("to-adopt"), tmp_path_factory.mktemp("lora")
    texts = [[f"{word} it", f"do {word}"] for word in ("add", "cut", "mix", "sum")]
    config = EncoderConfig(steps=3, tasks_per_batch=4, learning_rate=1e-2)
    fit_encoder(load_encoder(str(folder)), texts, config).write(lora)
    return folder, lora


def test_checkpoints_carry_a_fitted_encoders_adapter(fitted, taught, tasks, tmp_path):
    folder, lora = fitted
    encoder = load_encoder(f"{folder}+{lora}")
    made = adopt_encoder(taught, encoder, [t.descriptions for t in tasks])
    made.save_pretrained(tmp_path / "made")
    read = TextToLora.from_pretrained(tmp_path / "made")
    assert read.encoder_adapter == encoder.adapter and read.fingerprint == made.fingerprint
    texts = ["shift-2 please", "something else"]
    assert torch.equal(adapters(read, texts), adapters(made, texts))
    read.save_pretrained(tmp_path / "again")  # before or after its encoder was loaded
    assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "made").iterdir()
    }


def test_files_of_different_checkpoints_are_refused(fitted, taught, tasks, tmp_path):
    folder, lora = fitted
    made = adopt_encoder(taught, load_encoder(f"{folder}+{lora}"), [t.descriptions for t in tasks])
    made.save_pretrained(tmp_path)
    path = tmp_path / "encoder_adapter_config.json"
    path.write_text(path.read_text().replace('"r": 4', '"r": 5'))
    with pytest.raises(CheckpointError, match="files are of different checkpoints"):
        TextToLora.from_pretrained(tmp_path)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"encoder_adapter_config\.json"):
        TextToLora.from_pretrained(tmp_path)


def test_a_generator_is_saved_with_the_adapter_that_it_names_or_not_at_all(
    fitted, taught, tasks, tiny, tmp_path
):
    folder, lora = fitted
    encoder = load_encoder(f"{folder}+{lora}")
    made = adopt_encoder(taught, encoder, [t.descriptions for t in tasks])
    made.save_pretrained(tmp_path / "made")
    passed = TextToLora.from_pretrained(tmp_path / "made", encoder=load_encoder(str(folder)))
    passed.save_pretrained(tmp_path / "passed")
    assert TextToLora.from_pretrained(tmp_path / "passed").encoder_adapter == encoder.adapter
    lost = TextToLora(made.config, encoder=tiny.encoder())
    with pytest.raises(CheckpointError, match="is saved with its adapter"):
        lost.save_pretrained(tmp_path / "lost")
    assert not (tmp_path / "lost").exists()
    taught.save_pretrained(tmp_path / "made")  # without one, over one with
    assert sorted(p.name for p in (tmp_path / "made").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


@pytest.fixture
def command(fitted, tiny, tasks, tmp_path, monkeypatch):
    """Runs `t2l train sft` on tiny parts, with the tiny sentence encoder unless another is asked
    for."""
    parts = lambda *_, **__: (tiny.model(), tiny.tokenizer())  # noqa: E731
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path)
    monkeypatch.setattr(t2l_fast.models, "load_model", parts)
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda *_, **__: tasks)

    def run(out, *arguments):
        common = ["--tasks", "any", "--steps", "2", "--tasks-per-batch", "4", "--eval-every", "0"]
        result = CliRunner().invoke(
            cli.app, ["train", "sft", str(tmp_path / out), *common, "--json", *arguments]
        )
        assert result.exit_code == 0, result.exception
        return TextToLora.from_pretrained(tmp_path / out)

    return run


def given(tmp_path, run: str) -> str:
    """The fingerprint that a run says it goes on from."""
    return json.loads((tmp_path / run / "settings.json").read_text())["given"]


def test_init_with_an_encoder_adopts_it_and_goes_on_with_it(fitted, command, tmp_path):
    folder, lora = fitted
    shape = ["--latent-size", "16", "--head-in-size", "8"]
    first = command("first", "--encoder", str(folder), *shape)
    assert first.encoder_adapter is None
    another = ["--encoder", f"{folder}+{lora}"]
    second = command("second", "--init", str(tmp_path / "first"), *another)
    assert given(tmp_path, "second") == first.fingerprint
    assert second.config.encoder == f"{folder.resolve()}+{second.encoder_adapter.digest}"
    for name, arguments in (("third", []), ("fourth", another)):  # the same, by name or by place
        went_on = command(name, "--init", str(tmp_path / "second"), *arguments)
        assert went_on.config == second.config
        assert went_on.encoder_adapter == second.encoder_adapter
        assert given(tmp_path, name) == second.fingerprint
    third, fourth = (TextToLora.from_pretrained(tmp_path / name) for name in ("third", "fourth"))
    assert third.fingerprint == fourth.fingerprint  # nothing was adopted in either


def test_a_run_that_adopted_is_resumed(fitted, command, tmp_path):
    folder, lora = fitted
    command("first", "--encoder", str(folder), "--latent-size", "16", "--head-in-size", "8")
    adopting = ["--init", str(tmp_path / "first"), "--encoder", f"{folder}+{lora}"]
    whole = command("whole", *adopting)
    again = command("whole", *adopting, "--resume")
    assert again.fingerprint == whole.fingerprint


def test_a_generator_that_names_no_encoder_gets_the_one_that_is_named(
    fitted, command, tiny, tmp_path
):
    folder, _ = fitted
    bare = tiny.generator(tiny.model(), base_model="any", prompt_template="{input}")
    assert bare.config.encoder is None and bare.config.task_embedding_size == 16
    bare.save_pretrained(tmp_path / "bare")
    command("on", "--init", str(tmp_path / "bare"), "--encoder", str(folder))
    assert given(tmp_path, "on") == TextToLora.from_pretrained(tmp_path / "bare").fingerprint


def test_a_new_generator_with_a_fitted_encoder_carries_it(fitted, command):
    folder, lora = fitted
    shape = ["--latent-size", "16", "--head-in-size", "8"]
    made = command("new", "--encoder", f"{folder}+{lora}", *shape)
    assert made.encoder.name == made.config.encoder and made.encoder_adapter is not None


def test_a_command_trains_the_encoder_and_its_result_goes_on(fitted, command, tmp_path):
    folder, lora = fitted
    options = ["--latent-size", "16", "--head-in-size", "8", "--encoder-learning-rate", "0.01"]
    first = command("first", "--encoder", f"{folder}+{lora}", "--encoder-rank", "5", *options)
    assert first.encoder_adapter.digest in first.config.encoder
    assert first.encoder_adapter != load_encoder(f"{folder}+{lora}").adapter
    again = command(
        "first", "--encoder", f"{folder}+{lora}", "--encoder-rank", "5", *options, "--resume"
    )
    assert again.fingerprint == first.fingerprint
    second = command("second", "--init", str(tmp_path / "first"), "--encoder-rank", "5")
    assert given(tmp_path, "second") == first.fingerprint
    assert second.config.encoder != first.config.encoder
