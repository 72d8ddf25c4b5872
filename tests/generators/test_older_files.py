"""Files that commit 783da31 wrote: checkpoints, a PEFT folder, a store, one of Sakana's folders."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import t2l_fast as t2l
from t2l_fast.encoders import OneHotEncoder
from t2l_fast.generators import AutoGenerator, MultiTaskLora, TextToLora

FILES = Path(__file__).parents[1] / "fixtures" / "783da31"
EXPECTED = json.loads((FILES / "expected.json").read_text())
LORA = t2l.LoraConfig(("v_proj", "up_proj"), rank=2, alpha=4)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp = nn.Module(), nn.Module()
        self.self_attn.v_proj, self.mlp.up_proj = nn.Linear(8, 4), nn.Linear(8, 12)


@pytest.fixture
def model():
    root = nn.Module()
    root.model = nn.Module()
    root.model.layers = nn.ModuleList(Block() for _ in range(2))
    return root


@pytest.fixture(scope="module")
def tensors():
    return load_file(FILES / "expected.safetensors")


def check(tensors, name, lora_a, lora_b):
    assert lora_a.keys() == lora_b.keys() == {"v_proj", "up_proj"}
    for m in lora_a:
        torch.testing.assert_close(lora_a[m], tensors[f"{name}.{m}.a"], rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(lora_b[m], tensors[f"{name}.{m}.b"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["L", "M", "S", "L-offset", "L-vq"])
def test_checkpoints(name, tensors):
    generator = AutoGenerator.from_pretrained(FILES / name)
    assert isinstance(generator, TextToLora) and generator.fingerprint == EXPECTED[name]
    batch = generator.generate(codes=tensors["codes"])
    check(tensors, name, batch.lora_a, batch.lora_b)


def test_sakanas_folder(tensors):
    encoder = OneHotEncoder(tuple("abcdef"))  # instead of the published one, which isn't here
    generator = AutoGenerator.from_pretrained(FILES / "sakana", encoder=encoder)
    assert isinstance(generator, TextToLora) and generator.fingerprint == EXPECTED["sakana"]
    batch = generator.generate(codes=tensors["codes"])
    check(tensors, "sakana", batch.lora_a, batch.lora_b)
    assert not generator.config.lora.use_rslora
    trained = AutoGenerator.from_pretrained(FILES / "sakana", encoder=encoder, for_training=True)
    assert trained.config.lora.use_rslora


def test_a_peft_folder_of_one_lora_for_all_tasks(tensors):
    generator = AutoGenerator.from_pretrained(FILES / "multi_task")
    assert isinstance(generator, MultiTaskLora)
    batch = generator.generate(codes=torch.ones(1, 1))
    check(tensors, "multi_task", batch.lora_a, batch.lora_b)


def test_a_store_with_codes_and_weights(tensors, model, tmp_path):
    store = shutil.copy(FILES / "store.sqlite", tmp_path / "store.sqlite")
    generator = AutoGenerator.from_pretrained(FILES / "L")
    adapters = t2l.attach(model, LORA, num_slots=4, generator=generator, store=store)
    assert list(adapters.bank) == EXPECTED["store"]
    *coded, shared = EXPECTED["store"]
    with adapters.bank.lease(coded) as lease:
        index = lease.slots.long()
        lora_a = {m: t[:, index] for m, t in adapters.slab.lora_a.items()}
        lora_b = {m: t[:, index] for m, t in adapters.slab.lora_b.items()}
        check(tensors, "L", lora_a, lora_b)
    weights = adapters.bank.weights(shared)
    check(
        tensors,
        "multi_task",
        {m: t[:, None] for m, t in weights.lora_a.items()},
        {m: t[:, None] for m, t in weights.lora_b.items()},
    )
    adapters.detach()
