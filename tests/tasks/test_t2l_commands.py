"""Commands that are given Text-to-LoRA's task folders find out by themselves."""

import json

import pytest
from typer.testing import CliRunner

from t2l_fast import cli, errors
from t2l_fast.generators import TextToLora

CHAT = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "


@pytest.fixture
def three(folders):
    for name, word in (("lol_742", "poki"), ("lol_9", "casino"), ("lol_039", "qasc")):
        folders.sni(name, word)
    return folders


@pytest.fixture
def base(tiny, tmp_path, monkeypatch):
    """A tiny base model on disk, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tokenizer = tiny.tokenizer()
    tokenizer.chat_template = CHAT
    tiny.model().save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


def sft(folders, base, *more: object):
    small = ("--latent-size", 16, "--head-in-size", 16, "--tasks-per-batch", 2, "--contrast", 1)
    data = ("--tasks", folders.tasks, "--data-root", folders.data)
    common = ("--base", base, "--encoder", f"causal:{base}", "--steps", 2, "--json")
    return run("train", "sft", base.parent / "out", *data, *common, *small, *more)


def test_sft_trains_on_them_in_chat_turns_and_keeps_their_tokens(three, base):
    result = sft(three, base, "--max-examples", 10)
    assert result.exit_code == 0, result.exception
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [line["step"] for line in lines] == [1, 2]
    assert {"train_matched", "held_out_matched"} <= lines[-1].keys()
    assert TextToLora.from_pretrained(base.parent / "out").config.prompt_template is None
    kept = list((base.parent / "cache" / "t2l_fast" / "tokens").rglob("*.arrow"))
    assert len(kept) == 2


def test_eval_reads_the_parts_it_is_asked_for(three, base):
    assert sft(three, base, "--prompt", "compact", "--token-cache", base / "tokens").exit_code == 0
    assert len(list((base / "tokens").rglob("*.arrow"))) == 2
    data = ("--tasks", three.tasks, "--data-root", three.data)
    evaluate = ("eval", base.parent / "out", *data, "--examples", 1, "--json", "--split")
    result = run(*evaluate, "held_out", "--max-tasks", 1)
    assert isinstance(result.exception, errors.ArgumentError)  # one task has no other to shuffle
    result = run(*evaluate, "train")
    assert result.exit_code == 0, result.exception
    assert [*json.loads(result.stdout)["conditions"]["base"]] == ["train"]
    result = run(*evaluate, "held_out_families")
    assert isinstance(result.exception, errors.ArgumentError)


def test_oracles_and_reconstruction_take_them(three, base):
    out = base.parent / "library"
    data = ("--tasks", three.tasks, "--data-root", three.data)
    result = run("train", "oracles", out, "--base", base, *data, "--steps", 1, "--json")
    assert result.exit_code == 0, result.exception
    small = ("--latent-size", 16, "--head-in-size", 16, "--steps", 2, "--tasks-per-batch", 2)
    options = ("--library", out, "--tasks", three.tasks, "--encoder", f"causal:{base}", *small)
    result = run("train", "recon", base.parent / "rec", *options, "--json")
    assert result.exit_code == 0, result.exception
    assert TextToLora.from_pretrained(base.parent / "rec").config.prompt_template is None


@pytest.mark.parametrize("command", [("train", "sft"), ("train", "oracles"), ("eval",)], ids=str)
@pytest.mark.parametrize("option", [("--data-root", "x"), ("--max-examples", 3)], ids=str)
def test_their_options_need_them(command, option, tmp_path):
    result = run(*command, tmp_path / "out", *option)
    assert isinstance(result.exception, errors.ArgumentError)
    assert "task folders (with metadata.yaml), which --tasks must name" in str(result.exception)


def test_offline_says_what_to_do(three, base):
    result = run("train", "sft", base.parent / "out", "--tasks", three.tasks, "--base", base)
    assert isinstance(result.exception, errors.TaskError)
    assert "local copies with --data-root" in str(result.exception)
