"""Fitting a text encoder: wordings of one task move together; the encoder itself is not touched."""

import json

import pytest
import torch
from torch.nn.functional import normalize
from typer.testing import CliRunner

import t2l_fast.cli.encoder
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.encoders import load_encoder
from t2l_fast.errors import ArgumentError, CheckpointError, ConfigError
from t2l_fast.train import EncoderConfig, fit_encoder

WORDS = ("aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg", "hhhh")
FORMS = ("{} it", "please {}", "now {} these", "go and {} all")
TEXTS = [[form.format(word) for form in FORMS] for word in WORDS]


@pytest.fixture(scope="module")
def folder(tiny_folder):
    return tiny_folder("fitting")


def config(**changes) -> EncoderConfig:
    defaults = dict(steps=60, tasks_per_batch=8, contrast=4, learning_rate=3e-2)
    return EncoderConfig(**(defaults | changes))


def neighbours_of_their_own(encoder) -> float:
    """Share of wordings whose nearest neighbour is another wording of their task."""
    rows = normalize(encoder.encode([text for texts in TEXTS for text in texts]), dim=-1)
    nearest = (rows @ rows.T).fill_diagonal_(-1.0).argmax(1)
    own = torch.arange(len(rows)) // len(FORMS)
    return (nearest // len(FORMS) == own).float().mean().item()


def test_wordings_of_a_task_become_neighbours(one_thread, folder, tmp_path):
    encoder = load_encoder(str(folder))
    before, rows = neighbours_of_their_own(encoder), encoder.encode(TEXTS[0])
    lines: list[dict] = []
    made = fit_encoder(encoder, TEXTS, config(), on_step=lines.append)
    assert torch.equal(encoder.encode(TEXTS[0]), rows)
    made.write(tmp_path / "lora")
    after = neighbours_of_their_own(load_encoder(f"{folder}+{tmp_path / 'lora'}"))
    assert after > before + 0.3
    assert [line["step"] for line in lines] == list(range(1, 61))
    losses = [line["loss"] for line in lines]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_a_fit_depends_on_its_seed_alone(one_thread, folder):
    brief = config(steps=3)
    digests = [fit_encoder(load_encoder(str(folder)), TEXTS, brief).digest for _ in range(2)]
    assert digests[0] == digests[1]
    other = fit_encoder(load_encoder(str(folder)), TEXTS, config(steps=3, seed=1))
    assert other.digest != digests[0]


class Killed(Exception):
    """Ends a fit between two steps."""


def test_a_fit_that_was_interrupted_ends_as_if_it_had_not_been(one_thread, folder, tmp_path):
    seven = config(steps=7, save_every=2)
    whole = fit_encoder(load_encoder(str(folder)), TEXTS, seven)
    steps: list[int] = []

    def until(step: int):
        def note(line):
            steps.append(line["step"])
            if line["step"] == step:
                raise Killed

        return note

    with pytest.raises(Killed):
        fit_encoder(load_encoder(str(folder)), TEXTS, seven, folder=tmp_path, on_step=until(3))
    again = dict(folder=tmp_path, resume=True)
    with pytest.raises(Killed):
        fit_encoder(load_encoder(str(folder)), TEXTS, seven, on_step=until(5), **again)
    resumed = fit_encoder(load_encoder(str(folder)), TEXTS, seven, on_step=until(8), **again)
    assert steps == [1, 2, 3, 3, 4, 5, 5, 6, 7]  # from the checkpoints of steps 2 and 4
    assert resumed.digest == whole.digest


def test_only_the_same_fit_is_resumed(one_thread, folder, tmp_path):
    encoder, brief = load_encoder(str(folder)), config(steps=2)
    with pytest.raises(CheckpointError, match="no run to resume"):
        fit_encoder(encoder, TEXTS, brief, folder=tmp_path, resume=True)
    with pytest.raises(ConfigError, match="needs the folder"):
        fit_encoder(encoder, TEXTS, brief, resume=True)
    fit_encoder(encoder, TEXTS, brief, folder=tmp_path)
    with pytest.raises(CheckpointError, match="holds .* already"):
        fit_encoder(encoder, TEXTS, brief, folder=tmp_path)
    with pytest.raises(CheckpointError, match="seed: 42 there, 1 now"):
        fit_encoder(encoder, TEXTS, config(steps=2, seed=1), folder=tmp_path, resume=True)
    others = [[text.upper() for text in texts] for texts in TEXTS]
    with pytest.raises(CheckpointError, match="descriptions"):
        fit_encoder(encoder, others, brief, folder=tmp_path, resume=True)


def test_too_few_tasks_or_wordings_are_refused(folder):
    encoder = load_encoder(str(folder))
    with pytest.raises(ConfigError, match="got 3 tasks"):
        fit_encoder(encoder, TEXTS[:3], config())
    with pytest.raises(ConfigError, match="got 8 tasks with 1 or more: lower tasks_per_batch"):
        fit_encoder(encoder, [*TEXTS[:7], ["alone"]], config())
    with pytest.raises(ConfigError, match="one for each of 8 tasks, got 2"):
        fit_encoder(encoder, TEXTS, config(), families=["a", "b"])


@pytest.mark.parametrize(
    "changes",
    [dict(steps=0), dict(tasks_per_batch=1), dict(temperature=0.0), dict(rank=0), dict(alpha=-1.0)],
    ids=lambda changes: next(iter(changes)),
)
def test_values_out_of_range_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        config(**changes)


@pytest.fixture
def command(folder, tmp_path):
    """Runs `t2l train encoder` on task files."""
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    for word, texts in zip(WORDS, TEXTS, strict=True):
        about = dict(name=word, family="words", source="here", licence="none")
        examples = [dict(input=f"{i}", output=f"{i + 1}") for i in range(6)]
        (tasks / f"{word}.json").write_text(
            json.dumps(about | dict(descriptions=texts, examples=examples))
        )

    def run(*arguments):
        called = ["train", "encoder", str(tmp_path / "out"), "--tasks", str(tasks), "--json"]
        sizes = ["--steps", "2", "--tasks-per-batch", "8"]
        return CliRunner().invoke(cli.app, [*called, *sizes, *arguments])

    return run


def test_of_text_to_loras_folders_only_those_to_train_on_are_read(
    one_thread, command, folder, tmp_path, monkeypatch
):
    """The others' descriptions are what results are measured on."""
    published = {"lol_035": ["held out", "never read"], "arc_easy": ["a benchmark", "nor this"]}
    told = dict(zip(WORDS, TEXTS, strict=True)) | published
    monkeypatch.setattr(t2l_fast.cli.encoder, "is_published", lambda _: True)
    monkeypatch.setattr(t2l_fast.cli.encoder, "read_descriptions", lambda _: told)
    read = []
    monkeypatch.setattr(t2l_fast.train, "fit_encoder", lambda _, texts, *a, **k: read.extend(texts))
    command("--encoder", str(folder))
    assert read == TEXTS


def test_the_command_writes_a_folder_that_loads(one_thread, command, folder, tmp_path):
    result = command("--encoder", str(folder))
    assert result.exit_code == 0, result.exception
    assert [json.loads(line)["step"] for line in result.stdout.splitlines()] == [1, 2]
    fitted = load_encoder(f"{folder}+{tmp_path / 'out'}")
    assert not torch.equal(fitted.encode(["add"]), load_encoder(str(folder)).encode(["add"]))
    again = command("--encoder", str(folder))
    assert isinstance(again.exception, ArgumentError) and "name another" in str(again.exception)
    ended = command("--encoder", str(folder), "--resume")
    assert ended.exit_code == 0 and not ended.stdout
