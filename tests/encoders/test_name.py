"""Names of encoders: each has one reading, and what has none is refused before anything loads."""

import re

import pytest
from typer.testing import CliRunner

from t2l_fast import cli
from t2l_fast.encoders import EncoderName
from t2l_fast.encoders.name import digest_in
from t2l_fast.errors import EncoderError, T2LError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minilm", EncoderName("minilm", "minilm")),
        ("org/model", EncoderName("sentence", "org/model")),
        ("causal:smollm2", EncoderName("causal", "smollm2")),
        ("causal:org/model:8", EncoderName("causal", "org/model", 8)),
        ("minilm+out", EncoderName("minilm", "minilm", adapter="out")),
        ("org/model+out", EncoderName("sentence", "org/model", adapter="out")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.kind,
)
def test_a_name_is_read_into_its_parts(name, expected):
    parsed = EncoderName.parse(name)
    assert parsed == expected
    assert parsed.plain == name.removesuffix("+out")


def test_a_plus_in_an_existing_folder_is_part_of_its_path(tmp_path):
    model, adapter = tmp_path / "a+b", tmp_path / "c+d"
    model.mkdir()
    adapter.mkdir()
    assert EncoderName.parse(str(model)) == EncoderName("sentence", str(model))
    assert EncoderName.parse(f"causal:{model}") == EncoderName("causal", str(model))
    both = EncoderName.parse(f"{model}+{adapter}")
    assert both == EncoderName("sentence", f"{model}", adapter=str(adapter))


def test_a_digest_is_what_follows_the_last_plus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b+0123456789ab").mkdir()
    parsed = EncoderName.parse("a+b+0123456789ab", by_digest=True)
    assert parsed == EncoderName("sentence", "a+b", adapter="0123456789ab")
    assert EncoderName.parse("a+b+0123456789ab").adapter == "b+0123456789ab"


@pytest.mark.parametrize("name", ["", "  ", None, 7, "+out", "causal:", "causal:m:x", "causal::3"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(EncoderError, match="an encoder must be 'minilm', a folder or"):
        EncoderName.parse(name)


def test_a_causal_encoder_with_an_adapter_is_refused():
    with pytest.raises(EncoderError, match=r"needs a sentence-transformers .* leave out '\+out'"):
        EncoderName.parse("causal:smollm2+out")


@pytest.mark.parametrize(
    ("name", "digest"),
    [("minilm+0123456789ab", "0123456789ab"), ("minilm+out", None), ("0123456789ab", None)],
)
def test_a_digest_is_told_from_a_folder(name, digest):
    assert digest_in(name) == digest


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sft OUT --encoder causal:m:x", "must be 'minilm', a folder"),
        ("recon OUT --library LIBRARY --encoder causal:m:x", "must be 'minilm', a folder"),
        ("encoder OUT --encoder causal:m", "must be a sentence-transformers model here"),
        ("encoder OUT --encoder minilm+other", "must have no adapter yet.*fit 'minilm'"),
    ],
)
def test_commands_refuse_a_name_before_they_read_anything(command, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LIBRARY").mkdir()
    result = CliRunner().invoke(cli.app, ["train", *command.split()])
    assert isinstance(result.exception, T2LError), result.output
    assert re.search(message, str(result.exception))
    assert "loading" not in result.output and not (tmp_path / "OUT").exists()
