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
from t2l_fast.errors import CheckpointError, ConfigError
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


def test_the_generator_that_is_given_stays_as_it_was(tiny, taught, tasks):
    before, name = tiny.state(taught), taught.fingerprint
    made = adopt_encoder(taught, Turned(tiny.encoder()), [t.descriptions for t in tasks])
    assert taught.fingerprint == name != made.fingerprint
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
    (tmp_path / "encoder_adapter_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"encoder_adapter_model\.safetensors"):
        TextToLora.from_pretrained(tmp_path)


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


def test_init_with_an_encoder_adopts_it_and_goes_on_with_it(fitted, command, tmp_path):
    folder, lora = fitted
    shape = ["--latent-size", "16", "--head-in-size", "8"]
    first = command("first", "--encoder", str(folder), *shape)
    assert first.encoder_adapter is None
    adopting = ["--init", str(tmp_path / "first"), "--encoder", f"{folder}+{lora}"]
    second = command("second", *adopting)
    assert second.encoder_adapter is not None
    assert second.config.encoder == f"{folder.resolve()}+{second.encoder_adapter.digest}"
    third = command("third", "--init", str(tmp_path / "second"))
    assert third.config == second.config and third.encoder_adapter == second.encoder_adapter
    given = json.loads((tmp_path / "third" / "settings.json").read_text())["given"]
    assert given == second.fingerprint  # nothing was adopted


def test_a_new_generator_with_a_fitted_encoder_carries_it(fitted, command):
    folder, lora = fitted
    shape = ["--latent-size", "16", "--head-in-size", "8"]
    made = command("new", "--encoder", f"{folder}+{lora}", *shape)
    assert made.encoder.name == made.config.encoder and made.encoder_adapter is not None
