"""Presets, settings files and flags: which goes before which, and what they say."""

import json

import pytest
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli


def shown(*arguments: str) -> dict:
    result = CliRunner().invoke(cli.app, ["train", "sft", "nowhere", *arguments, "--print-config"])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


PUBLISHED = {
    "rank": 8, "alpha": 16.0, "lora_dropout": 0.05, "target_modules": "q_proj,v_proj",
    "tasks_per_batch": 8, "examples_per_task": 1, "contrast": 1, "learning_rate": 2.5e-5,
    "trunk_learning_rate": 2.5e-5, "schedule": "linear", "warmup_fraction": 0.2, "clip_norm": 1.0,
    "weight_decay": 0.01, "label_smoothing": 0.1, "generated_l2": 1e-3, "neftune_alpha": 5.0,
    "steps": 1_180_000, "seed": 42, "max_tokens": 512, "descriptions_per_task": 128,
    "autocast": True, "mix_descriptions": False, "start": "plain", "code_noise": 0.0, "arch": "L",
    "encoder": "Alibaba-NLP/gte-large-en-v1.5", "eval_every": 10_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "base", "sizes"),
    [
        ("mistral", "mistralai/Mistral-7B-Instruct-v0.2", (128, 512)),
        ("llama", "meta-llama/Llama-3.1-8B-Instruct", (512, 2048)),
        ("gemma", "google/gemma-2-2b-it", (512, 2048)),
    ],
)
def test_presets_are_the_published_settings(preset, base, sizes):
    found = shown("--preset", preset)
    assert {name: found[name] for name in PUBLISHED} == PUBLISHED
    assert found["save_every"] == 10_000  # up to 2.8 GB each, of a million steps
    assert (found["base"], (found["latent_size"], found["head_in_size"])) == (base, sizes)


def test_flags_go_before_a_file_and_a_file_before_a_preset(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("learning-rate: 3.0e-5\nrank: 4\nmix_descriptions: true\n")
    for order in (("--preset", "llama", "--config", str(file)),
                  ("--config", str(file), "--preset", "llama")):  # fmt: skip
        found = shown(*order, "--rank", "2")
        assert (found["learning_rate"], found["rank"], found["mix_descriptions"]) == (3e-5, 2, True)
        assert found["neftune_alpha"] == 5.0


def test_the_bundled_checkpoints_last_stage_is_a_preset():
    for more in ((), ("--init", "smollm2")):
        found = shown("--preset", "smollm2", *more)
        assert (found["base"], found["arch"], found["head_in_size"]) == ("smollm2", "L", 384)
        assert (found["steps"], found["encoder_rank"], found["code_noise"]) == (800, 8, 0.2)
        assert (found["learning_rate"], found["trunk_learning_rate"]) == (1e-3, 5e-4)
        assert not found["mix_descriptions"]


def test_an_unknown_kind_of_generator_is_refused_by_those_there_are():
    arguments = ["train", "sft", "nowhere", "--generator", "none", "--print-config"]
    result = CliRunner().invoke(cli.app, arguments)
    assert isinstance(result.exception, t2l_fast.errors.ConfigError)
    assert "'zhyper'" in str(result.exception) and "got 'none'" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "message"),
    [("ranks: 3", "got 'ranks'"), ("- 3", "YAML mapping"), ("a: [", "YAML mapping")],
)
def test_a_settings_file_is_read_strictly(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    arguments = ["train", "sft", "nowhere", "--config", str(file), "--print-config"]
    result = CliRunner().invoke(cli.app, arguments)
    assert isinstance(result.exception, t2l_fast.errors.ArgumentError)
    assert message in str(result.exception)
    unknown = CliRunner().invoke(cli.app, ["train", "sft", "nowhere", "--preset", "qwen"])
    assert "one of 'gemma', 'llama', 'mistral', 'smollm2', got 'qwen'" in str(unknown.exception)


@pytest.mark.parametrize(
    ("arguments", "trunk"),
    [
        ([], 3e-4),
        (["--learning-rate", "1e-4"], 3e-4),
        (["--start", "plain", "--learning-rate", "1e-4"], 1e-4),
        (["--preset", "mistral", "--learning-rate", "1e-4"], 1e-4),
        (["--preset", "mistral", "--start", "conditioned"], 2.5e-5),
        (["--init", "smollm2", "--learning-rate", "1e-4"], 3e-4),
        (["--init", "smollm2", "--start", "plain", "--learning-rate", "1e-4"], 1e-4),
        (["--start", "plain", "--trunk-learning-rate", "1e-5"], 1e-5),
    ],
    ids=[
        "default", "conditioned", "plain", "preset", "preset, conditioned", "init", "init, plain",
        "both given",
    ],
)  # fmt: skip
def test_one_learning_rate_moves_the_trunk_too_where_all_is_trained_as_published(arguments, trunk):
    assert shown(*arguments)["trunk_learning_rate"] == trunk
