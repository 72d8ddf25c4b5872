"""What commit 783da31 wrote for training: library, encoder's adapter, cache, tasks, and a run."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import t2l_fast as t2l
from t2l_fast.encoders import CachedEncoder, EncoderAdapter, load_encoder
from t2l_fast.errors import CheckpointError
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.tasks import Prompt, read_tasks
from t2l_fast.train import SFTConfig, SFTTrainer, read_library

FILES = Path(__file__).parents[1] / "fixtures" / "783da31"


@pytest.fixture(scope="module")
def tensors():
    return load_file(FILES / "expected_more.safetensors")


class Unused:
    """An encoder that a full cache never asks."""

    name, dim = "first-word", 16

    def encode(self, texts):
        raise AssertionError("asked for what the cache holds")


@pytest.mark.parametrize("path", ["library", "library/library.safetensors"])
def test_a_library(path, tensors):
    library = read_library(FILES / path)
    assert library.names == ("a", "b", "c")
    assert library.descriptions == (("first",), ("second", "2nd"), ("third",))
    assert (library.base_model, library.prompt_template) == ("smollm2", "Q: {input}")
    assert library.settings == {"steps": 5}
    assert library.adapters.config == t2l.LoraConfig(("v_proj", "up_proj"), rank=2, alpha=4)
    for m in ("v_proj", "up_proj"):
        assert torch.equal(library.adapters.lora_a[m], tensors[f"library.{m}.a"])
        assert torch.equal(library.adapters.lora_b[m], tensors[f"library.{m}.b"])


@pytest.mark.slow  # imports sentence-transformers
def test_an_encoders_adapter(tiny_folder, tensors):
    folder = tiny_folder("older")
    texts = ["ab, cd", "the longer of the two: 12345", "q?"]
    plain = load_encoder(str(folder)).encode(texts)
    torch.testing.assert_close(plain, tensors["encoder_plain"], rtol=1e-4, atol=1e-4)
    encoder = load_encoder(f"{folder}+{FILES / 'encoder_adapter'}")
    rows = encoder.encode(texts)
    torch.testing.assert_close(rows, tensors["encoder_adapter"], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(rows, plain, atol=0.1)
    digest = EncoderAdapter.read(FILES / "encoder_adapter").digest
    assert digest == "e95604c595d3" and encoder.name.endswith(f"+{digest}")


def test_an_embedding_cache(tensors, tmp_path):
    path = shutil.copy(FILES / "embeddings.sqlite", tmp_path / "embeddings.sqlite")
    encoder = CachedEncoder(Unused(), path)
    assert torch.equal(encoder.encode(["shift letters", "spell words"]), tensors["embeddings"])
    with pytest.raises(AssertionError, match="asked for what"):
        encoder.encode(["another text"])


def test_task_files():
    (task,) = read_tasks(FILES / "tasks", train_fraction=0.5)
    expected = json.loads((FILES / "expected_tasks.json").read_text())
    ours = json.loads(json.dumps(asdict(task)))
    assert {name: ours[name] for name in expected} == expected


@pytest.fixture
def resumed(tiny, tmp_path):
    """A trainer of the settings that the run had, and its folder."""

    def make(**changes):
        folder = shutil.copytree(FILES / "run", tmp_path / "run")
        model = tiny.model()
        options = dict(task_embedding_size=16, latent_size=4, head_in_size=4)
        lora = t2l.LoraConfig(("v_proj",), rank=2, alpha=2)
        encoder = tiny.generator(model).encoder
        generator = TextToLora(T2LConfig.for_model(model, lora=lora, **options), encoder=encoder)
        tasks = [tiny.task(f"shift/{by}", tiny.shift(by)) for by in (2, 3)]
        options = dict(
            steps=4,
            tasks_per_batch=2,
            examples_per_task=1,
            learning_rate=1e-2,
            eval_every=4,
            eval_examples=1,
            save_every=2,
        )
        config = SFTConfig(**(options | changes))
        return SFTTrainer(generator, model, Prompt(tiny.tokenizer()), tasks, config, folder), folder

    return make


@pytest.mark.slow
def test_a_run_goes_on_to_the_weights_that_the_older_code_had(resumed, tensors):
    trainer, _ = resumed()
    trainer.train(resume=True)
    parameters = dict(trainer.generator.named_parameters())
    expected = {k.removeprefix("run."): t for k, t in tensors.items() if k.startswith("run.")}
    assert expected
    for name, tensor in expected.items():
        torch.testing.assert_close(parameters[name].detach(), tensor, rtol=1e-3, atol=1e-4)


def test_a_run_of_other_settings_is_refused_with_what_to_do(resumed):
    trainer, folder = resumed(learning_rate=1e-3)
    before = (folder / "training.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match="learning_rate: 0.01 there, 0.001 now") as refused:
        trainer.train(resume=True)
    assert "resume with the same settings and tasks, or start in another" in str(refused.value)
    assert (folder / "training.safetensors").read_bytes() == before
