"""`t2l train recon` from a library."""

import json

import pytest
from typer.testing import CliRunner

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast import cli
from t2l_fast.generators import TextToLora
from t2l_fast.tasks import COMPACT
from t2l_fast.train import LoraLibrary, read_library


def test_reconstruction_from_a_library_to_an_adapter(tmp_path, monkeypatch, library):
    """The base model is not needed; descriptions come with the library."""
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    out = tmp_path / "out"
    arguments = ["train", "recon", str(out), "--library", str(library), "--json"]
    arguments += ["--steps", "6", "--latent-size", "8", "--head-in-size", "8", "--z-scores"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    generator = TextToLora.from_pretrained(out)
    assert (
        generator.config.z_scores
        and generator.config.module_paths["v_proj"][2] == "layers.2.v_proj"
    )
    assert len(generator.generate(["Do the last thing."])) == 1
    again = CliRunner().invoke(cli.app, arguments)
    assert isinstance(again.exception, t2l_fast.errors.CheckpointError)
    arguments[4] = str(tmp_path / "nothing")
    missing = CliRunner().invoke(cli.app, arguments)
    assert "`t2l train oracles` makes one" in str(missing.exception)


@pytest.mark.parametrize(
    ("known", "options", "base", "form"),
    [
        (("llama", "Q: {input}"), [], "llama", "Q: {input}"),
        (("llama", None), [], "llama", None),
        (("llama", "Q: {input}"), ["--base", "b", "--prompt", "compact"], "b", COMPACT),
        ((None, None), [], None, COMPACT),
    ],
    ids=["the library's", "its chat template", "others", "unknown"],
)
def test_reconstruction_names_what_its_library_was_trained_on(
    tmp_path, monkeypatch, library, known, options, base, form
):
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    held = read_library(library)
    settings = {"steps": 60} if known[0] else {}
    LoraLibrary(held.names, held.descriptions, held.adapters, settings, *known).save(library)
    arguments = ["train", "recon", str(tmp_path / "out"), "--library", str(library), *options]
    sizes = ["--steps", "1", "--latent-size", "8", "--head-in-size", "8", "--json"]
    result = CliRunner().invoke(cli.app, [*arguments, *sizes])
    config = TextToLora.from_pretrained(tmp_path / "out").config
    assert (config.base_model, config.prompt_template) == (base, form)
    assert ("name it by --base" in result.stderr) == (base is None)


def test_reconstruction_takes_the_shape_of_its_generator(tmp_path, monkeypatch, library):
    monkeypatch.setattr(t2l_fast.models, "default_cache", lambda: tmp_path / "cache")
    arguments = ["train", "recon", str(tmp_path / "out"), "--library", str(library), "--steps", "1"]
    arguments += ["--latent-size", "8", "--head-in-size", "12", "--task-encoder", "vq", "--json"]
    arguments += ["--rank-rows", "--rank-positions", "learnable", "--offset", "learnable"]
    result = CliRunner().invoke(cli.app, arguments)
    assert result.exit_code == 0, result.exception
    config = TextToLora.from_pretrained(tmp_path / "out").config
    assert (config.rank_rows, config.rank_positions) == (True, "learnable")
    assert (config.offset, config.task_encoder, config.head_in_size) == ("learnable", "vq", 12)
