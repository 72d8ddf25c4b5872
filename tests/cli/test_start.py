"""Before anything is loaded: devices, trust in an encoder's code, folders that are taken."""

import json
import shutil

import pytest
import torch
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.cli.device import chosen
from t2l_fast.generators.parts import text_generator
from t2l_fast.train import Processes
from t2l_fast.train.run.layout import CHECKPOINT


def test_the_device_is_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen("") == torch.device("cuda")
    assert chosen("cpu") == torch.device("cpu")
    assert chosen("cpu", torch.device("cuda", 1)) == torch.device("cuda", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen("") == torch.device("cpu")


@pytest.mark.parametrize("option", ["meta", "gpu", "cuda:99", "cpu:cuda"])
def test_a_device_that_is_not_there_is_refused(option):
    with pytest.raises(t2l_fast.errors.ArgumentError, match=f"torch has here, got '{option}'"):
        chosen(option)


COMMANDS = {
    "sft": "train sft TMP/out --tasks TMP/tasks",
    "sft, another encoder": "train sft TMP/out --tasks TMP/tasks --init TMP/made --encoder other",
    "oracles": "train oracles TMP/out --tasks TMP/tasks",
    "recon": "train recon TMP/out --library TMP/library --steps 1 --head-in-size 8",
    "encoder": "train encoder TMP/out --tasks TMP/tasks",
    "eval": "eval TMP/made --tasks TMP/tasks",
    "generate": "generate Sort. --checkpoint TMP/made -o TMP/out",
    "chat": "chat --checkpoint TMP/made",
}
NO_MODEL = ("recon", "encoder", "generate")


@pytest.fixture
def start(tiny, library, tmp_path, monkeypatch):
    """Starts a command, and says what it loaded, on what device, and whether it trusts its code."""
    (tmp_path / "tasks").mkdir()
    about = {"name": "case", "family": "words", "source": "here", "licence": "none"}
    about |= {
        "descriptions": ["Shout.", "Say it loudly."],
        "examples": [{"input": "a", "output": "A"}],
    }
    (tmp_path / "tasks" / "case.json").write_text(json.dumps(about))
    named = {"encoder": "named", "base_model": "base", "prompt_template": "{input}"}
    tiny.generator(tiny.model(), **named).save_pretrained(tmp_path / "made")
    seen = []

    class NotLoaded(Exception):
        pass

    def encoder(name, *, device=None, trust_remote_code=False, **_):
        seen.append((name, str(device), trust_remote_code))
        made = tiny.encoder()
        made.name = name
        return made

    def model(name, *, device=None, **_):
        seen.append(("model", str(device), False))
        raise NotLoaded

    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(t2l_fast.models, "load_model", model)
    for module in (t2l_fast.encoders, text_generator):
        monkeypatch.setattr(module, "load_encoder", encoder)
    # as on a machine with a GPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *_, **__: module)

    def run(command: str, *options: str):
        called = [word.replace("TMP", str(tmp_path)) for word in COMMANDS[command].split()]
        result = CliRunner().invoke(cli.app, [*called, *options])
        return seen, result.exception

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_take_the_gpu_or_the_device_that_is_named(start, command, tmp_path):
    for options, device in (((), "cuda"), (("--device", "cpu"), "cpu")):
        seen, error = start(command, *options)
        assert {place for _, place, _ in seen} == {device}, error
        assert any(name == "model" for name, *_ in seen) == (command not in NO_MODEL), error
        seen.clear()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("command", ["sft", "oracles", "recon"])
def test_of_several_processes_each_takes_its_own_device(start, command, monkeypatch):
    class Second(Processes):
        device = torch.device("cuda", 1)

    monkeypatch.setattr(t2l_fast.train, "join", Second)
    seen, error = start(command, "--device", "cpu")
    assert {place for _, place, _ in seen} == {"cuda:1"}, error


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "oracles"])
def test_an_encoders_own_code_runs_only_if_it_is_trusted(start, command, tmp_path):
    for options, trusted in (((), False), (("--trust-remote-code",), True)):
        seen, error = start(command, *options)
        encoders = [trust for name, _, trust in seen if name != "model"]
        assert all(trust == trusted for trust in encoders), error
        assert encoders, error
        seen.clear()
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("command", ["sft", "recon"])
def test_a_run_that_is_there_or_is_not_is_said_before_anything_is_loaded(start, command, tmp_path):
    seen, error = start(command, "--resume")
    assert isinstance(error, t2l_fast.errors.CheckpointError)
    assert "there is no run to resume" in str(error) and not seen
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / CHECKPOINT).touch()
    seen, error = start(command)
    assert isinstance(error, t2l_fast.errors.CheckpointError)
    assert "already: resume that run" in str(error) and not seen


def test_oracles_say_that_a_folder_is_taken_before_anything_is_loaded(start, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "library.safetensors").touch()
    seen, error = start("oracles")
    assert "holds library.safetensors already: resume" in str(error) and not seen
