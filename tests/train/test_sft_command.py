"""`t2l train sft` as a user sees it: what the bar and the last lines say."""

import re
import shutil

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast.cli.run
import t2l_fast.cli.sft
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train.run.run
from t2l_fast import cli
from t2l_fast.cli.progress import StageBars
from t2l_fast.generators import AutoGenerator
from t2l_fast.generators.registry import kinds
from t2l_fast.train.run.checkpoint import save_run


@pytest.fixture
def command(tiny, tasks, tmp_path, monkeypatch):
    """Runs it on tiny parts, with two held-out tasks, and gives all that it printed."""
    splits = {"train": tasks, "held_out": [tiny.task(f"by/{n}", tiny.shift(n)) for n in (8, 9)]}
    parts = lambda *_, **__: (tiny.model(), tiny.tokenizer())  # noqa: E731
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path)
    monkeypatch.setattr(t2l_fast.models, "load_model", parts)
    monkeypatch.setattr(t2l_fast.encoders, "load_encoder", lambda *_, **__: tiny.encoder())
    monkeypatch.setattr(t2l_fast.cli.sft, "read_splits", lambda *_, **__: dict(splits))
    monkeypatch.setattr(t2l_fast.cli.run, "find_spec", lambda _: None)  # no report
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, exit_code=0):
        sizes = ["--steps", "2", "--tasks-per-batch", "4", "--latent-size", "16"]
        called = ["train", "sft", str(tmp_path / "out"), *sizes, "--head-in-size", "8", *arguments]
        result = CliRunner().invoke(cli.app, called)
        assert result.exit_code == exit_code, result.output
        return " ".join(result.output.split())

    return run


def test_the_bar_shows_the_accuracies_that_decide(command):
    number = r"\d\.\d\d"
    three = rf"matched {number} shuffled {number} junk {number}"
    assert re.search(f"2/2 loss .* tokens/s, .* MB held_out: {three}", command())


def test_the_measure_that_is_asked_for_is_the_one_shown(command):
    assert "train: matched" in command("--best", "train_matched")


def test_a_run_ends_with_where_its_time_went(command):
    said = re.search(r"time of the steps: ((?:\w+ \d+%(?:, )?)+)", command("--eval-every", "0"))
    shares = dict(part.split() for part in said[1].strip().split(", "))
    assert list(shares) == ["data", "generate", "forward", "backward", "optimizer"]
    assert sum(int(share.rstrip("%")) for share in shares.values()) == pytest.approx(100, abs=3)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_generator_is_trained_interrupted_and_resumed(
    command, tiny, tmp_path, monkeypatch, kind
):
    options = ["--generator", kind, "--eval-every", "0", "--save-every", "1"]

    def interrupted(*arguments):
        save_run(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(t2l_fast.train.run.run, "save_run", interrupted)
        assert "--resume goes on from the last checkpoint" in command(*options, exit_code=130)
    command(*options, "--resume")
    resumed = AutoGenerator.from_pretrained(str(tmp_path / "out"), encoder=tiny.encoder())
    shutil.rmtree(tmp_path / "out")
    command(*options)
    through = AutoGenerator.from_pretrained(str(tmp_path / "out"), encoder=tiny.encoder())
    assert through.kind == kind
    for name, tensor in through.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert any(b.abs().max() > 0 for b in through.generate(["shift by 1"]).lora_b.values())


def test_it_tells_what_it_does_before_anything_slow(command, monkeypatch):
    """Each stage is printed before its work begins, and nothing of it with --json."""
    import t2l_fast.encoders

    lines = command().replace("…", "|")
    order = [
        "reading tasks",
        "loading the text encoder",
        "loading the base model",
        "embedding descriptions",
    ]
    places = [lines.index(part) for part in (*order, "training")]
    assert places == sorted(places)

    class Stopped(Exception):
        pass

    def stop(*_, **__):
        raise Stopped

    monkeypatch.setattr(t2l_fast.encoders, "load_encoder", stop)
    for options, shown in (((), True), (("--json",), False)):
        arguments = ["train", "sft", f"nowhere-{shown}", *options]
        result = CliRunner().invoke(cli.app, arguments)
        assert isinstance(result.exception, Stopped)
        assert ("loading the text encoder minilm" in result.output) == shown


def test_stages_show_how_far_they_are(capsys):
    for quiet in (False, True):
        with StageBars(quiet) as progress:
            for done in (0, 3):
                progress("embedding", done, 3)
        shown = capsys.readouterr().err
        assert ("embedding descriptions" in shown and "3/3" in shown) == (not quiet)
        assert bool(shown) == (not quiet)
