"""Tiny base models, configs for them, and hypernetworks with random weights."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.generators import T2LConfig, TextToLora
from tests.sizes import LLAMA

VOCAB = 61
WIDTH = 12
"""d_e of the codes."""
SIZES = dict(vocab_size=VOCAB, **LLAMA)
GPT2 = dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, pad_token_id=0, eos_token_id=2)
MODELS = {
    # v_proj has in > out, up_proj out > in
    "llama": (tf.LlamaForCausalLM, tf.LlamaConfig, SIZES, ("v_proj", "up_proj")),
    "gpt2": (tf.GPT2LMHeadModel, tf.GPT2Config, GPT2, ("attn.c_proj", "c_fc")),
}


def build(name: str = "llama") -> torch.nn.Module:
    kind, config, options, _ = MODELS[name]
    torch.manual_seed(0)
    model = kind(config(**options)).eval()
    for parameter in model.parameters():  # large enough for adapters to matter
        if parameter.dim() == 2:
            parameter.data.mul_(3.0)
    return model


def config_of(arch: str, name: str = "llama", **options) -> T2LConfig:
    options = dict(latent_size=8, head_in_size=6, task_embedding_size=WIDTH) | options
    lora = t2l.LoraConfig(MODELS[name][3], rank=3, alpha=6)
    return T2LConfig.for_model(build(name), lora=lora, arch=arch, **options)


def trained(arch: str, name: str = "llama", *, std: float = 0.3, **options) -> TextToLora:
    """As after training: no parameter is zero, and codes matter."""
    torch.manual_seed(1)
    generator = TextToLora(config_of(arch, name, **options)).eval()
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=std)
    return generator


@pytest.fixture(params=["L", "M", "S"])
def arch(request):
    return request.param


@pytest.fixture
def codes():
    return torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def tokens():
    return torch.randint(3, VOCAB, (3, 7), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def tiny():
    """The helpers above, for tests (with importlib mode a conftest can't be imported)."""

    class Tiny:
        build = staticmethod(build)
        config = staticmethod(config_of)
        trained = staticmethod(trained)

    return Tiny
