"""Sakana's checkpoints with each task encoder."""

import json

import pytest
import torch
import yaml

from t2l_fast.errors import CheckpointError
from t2l_fast.generators import TextToLora
from tests.generators.task_encoder_networks import (
    ARCHS,
    KINDS,
    LAYERS,
    RANK,
    SIZES,
    D,
    assert_same_adapters,
    trained,
)


def write_sakana(folder, generator: TextToLora, **args) -> None:
    """A folder as the published trainer writes it, from a generator of ours."""
    state = dict(generator.state_dict())
    for name in ("AB_offset", "mean_recon_target", "std_recon_target"):
        for m, (size_in, size_out) in SIZES.items():
            state[f"{name}.A.{m}"] = torch.zeros(LAYERS, RANK, size_in)
            state[f"{name}.B.{m}"] = torch.zeros(LAYERS, size_out, RANK)
    torch.save(state, folder / "hypermod.pt")
    plain = {"training_task": "sft", "emb_model": "some/encoder", "model_dir": "some/base"}
    (folder / "args.yaml").write_text(yaml.safe_dump(plain | args))
    adapter = dict(peft_type="LORA", r=RANK, lora_alpha=4, target_modules=list(SIZES))
    (folder / "adapter_config.json").write_text(json.dumps(adapter))


@pytest.mark.parametrize("arch", ["L", "M", "S"])
@pytest.mark.parametrize("kind", KINDS)
def test_sakana_checkpoints_of_every_encoder_load(kind, arch, tmp_path):
    codes = torch.randn(7, D, generator=torch.Generator().manual_seed(3))
    generator = trained(kind, **ARCHS[arch])
    sizes = {"hypernet_latent_size": 16, "encoder_type": kind}
    write_sakana(tmp_path, generator, **sizes)
    read = TextToLora.from_pretrained(tmp_path)
    assert (read.config.task_encoder, read.config.latent_size) == (kind, 16)
    assert_same_adapters(read, generator, codes)


def test_sakana_flags_of_encoders_must_agree_with_tensors(tmp_path):
    write_sakana(tmp_path, trained("vq"), encoder_type="softmax")
    with pytest.raises(CheckpointError, match="encoder_type 'vq', as the tensors are, got softmax"):
        TextToLora.from_pretrained(tmp_path)
    # what the released trainer makes of any flag
    write_sakana(tmp_path, trained("linear"), encoder_type="vq")
    assert TextToLora.from_pretrained(tmp_path).config.task_encoder == "linear"


@pytest.mark.parametrize("name", ["embed_avg", "cluster_size", "ln.weight", "mlp.3.bias"])
def test_sakana_codebooks_are_read_strictly(tmp_path, name):
    write_sakana(tmp_path, trained("vq"))
    state = torch.load(tmp_path / "hypermod.pt")
    del state[f"task_encoder.{name}"]
    torch.save(state, tmp_path / "hypermod.pt")
    with pytest.raises(CheckpointError, match="task_encoder"):
        TextToLora.from_pretrained(tmp_path)
