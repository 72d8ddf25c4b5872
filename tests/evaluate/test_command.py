"""`t2l eval` as a user runs it."""

import json
import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import t2l_fast.cli.evaluate
import t2l_fast.models
import t2l_fast.report
import t2l_fast.tasks
from t2l_fast import cli
from t2l_fast.errors import ArgumentError, MissingPackage
from t2l_fast.generators import AutoGenerator
from t2l_fast.tasks import COMPACT
from t2l_fast.train import LoraLibrary


@pytest.fixture
def eval_command(tiny, model, says, taught_generator, monkeypatch):
    """Runs `t2l eval` on two tasks."""
    config = replace(taught_generator.config, base_model="tiny", prompt_template=COMPACT)
    monkeypatch.setattr(taught_generator, "config", config)
    monkeypatch.setattr(AutoGenerator, "from_pretrained", lambda *_, **__: taught_generator)
    monkeypatch.setattr(t2l_fast.models, "load_model", lambda *_, **__: (model, tiny.tokenizer()))
    monkeypatch.setattr(t2l_fast.tasks, "read_tasks", lambda _: [says("c"), says("j")])

    def run(*arguments):
        common = ["eval", "any", "--tasks", "mine", "--examples", "1", "--json"]
        return CliRunner().invoke(cli.app, [*common, *map(str, arguments)])

    return run


def test_eval_reads_the_oracles_of_a_library(eval_command, says, taught_generator, tmp_path):
    """The command as a user runs it; the library's order is not the tasks'."""
    tasks = [says("c"), says("j")]
    names, texts = zip(*((t.name, t.descriptions) for t in reversed(tasks)), strict=True)
    adapters = taught_generator.generate([t.eval_descriptions[0] for t in reversed(tasks)])
    LoraLibrary(names, texts, adapters).save(tmp_path)
    result = eval_command("--oracles", tmp_path, "--examples", 4)
    assert result.exit_code == 0, result.exception
    report = json.loads(result.stdout)["conditions"]
    assert report["oracles"]["mine"]["exact_match"] > 0.9
    assert report["base"]["mine"]["exact_match"] < 0.5


def test_eval_makes_the_folders_of_its_files(eval_command, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    files = [tmp_path / "new" / "numbers.json", tmp_path / "other" / "new" / "bars.png"]
    result = eval_command("--out", files[0], "--plot", files[1])
    assert result.exit_code == 0, result.exception
    assert json.loads(files[0].read_text()) == json.loads(result.stdout)
    assert files[1].stat().st_size > 0


def test_eval_prints_what_it_measured_before_it_writes(eval_command, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(t2l_fast.report, "plot", full)
    monkeypatch.setattr(t2l_fast.cli.evaluate, "find_spec", lambda _: True)
    result = eval_command("--plot", tmp_path / "bars.png")
    assert isinstance(result.exception, OSError)
    assert "generated, matched" in json.loads(result.stdout)["conditions"]


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ("--plot=TMP/bars.png", MissingPackage, r"matplotlib.*pip install \"t2l_fast\[bench\]\""),
        ("--out=TMP", ArgumentError, "--out must be a file that can be written"),
        ("--out=TMP/file/numbers.json", ArgumentError, "--out must be a file in a folder"),
    ],
    ids=["no matplotlib", "a folder", "below a file"],
)
def test_eval_says_what_it_cannot_write_before_it_loads(
    tmp_path, monkeypatch, option, error, message
):
    (tmp_path / "file").touch()
    monkeypatch.setattr(AutoGenerator, "from_pretrained", lambda *_, **__: pytest.fail("loaded"))
    monkeypatch.setattr(t2l_fast.cli.evaluate, "find_spec", lambda _: None)
    result = CliRunner().invoke(cli.app, ["eval", option.replace("TMP", str(tmp_path))])
    assert isinstance(result.exception, error)
    assert re.search(message, str(result.exception))
