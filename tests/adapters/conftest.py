"""Small models built from a config, and random adapters for them."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from tests.sizes import LLAMA

VOCAB = 61
COMMON = dict(vocab_size=VOCAB, **LLAMA)
T5 = dict(vocab_size=VOCAB, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
MODELS = {
    "llama": (tf.LlamaForCausalLM, tf.LlamaConfig, COMMON, ("q_proj", "v_proj", "down_proj")),
    "mistral": (tf.MistralForCausalLM, tf.MistralConfig, COMMON, ("q_proj", "o_proj")),
    "qwen3": (tf.Qwen3ForCausalLM, tf.Qwen3Config, COMMON, "all-linear"),
    "gemma2": (tf.Gemma2ForCausalLM, tf.Gemma2Config, COMMON, ("k_proj", "gate_proj")),
    "gemma3": (tf.Gemma3ForCausalLM, tf.Gemma3TextConfig, COMMON, ("v_proj", "up_proj")),
    "phi3": (tf.Phi3ForCausalLM, tf.Phi3Config, COMMON, ("qkv_proj", "gate_up_proj")),
    "gpt2": (
        tf.GPT2LMHeadModel,
        tf.GPT2Config,
        dict(vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=4, pad_token_id=0, eos_token_id=2),
        ("c_attn", "attn.c_proj", "c_fc"),
    ),
    "t5": (
        tf.T5ForConditionalGeneration,
        tf.T5Config,
        T5 | dict(pad_token_id=0, decoder_start_token_id=0),
        ("q", "k", "v"),
    ),
}


def build(name: str) -> torch.nn.Module:
    kind, config, options, _ = MODELS[name]
    torch.manual_seed(0)
    model = kind(config(**options)).eval()
    model.generation_config.eos_token_id = None
    for parameter in model.parameters():  # large enough for adapters to matter
        if parameter.dim() == 2:
            parameter.data.mul_(3.0)
    return model


def random_adapters(model, config: t2l.LoraConfig, count: int) -> list[t2l.LoraWeights]:
    batch = t2l.LoraBatch.init(config, t2l.find_sites(model, config.target_modules), count, seed=3)
    generator = torch.Generator().manual_seed(4)
    for tensor in batch.lora_b.values():
        tensor.data.normal_(std=0.2, generator=generator)
    return [
        t2l.LoraWeights(
            w.config,
            {m: t.detach().clone() for m, t in w.lora_a.items()},
            {m: t.detach().clone() for m, t in w.lora_b.items()},
            w.paths,
        )
        for w in batch
    ]


def run(model, tokens: torch.Tensor) -> torch.Tensor:
    """Logits; an encoder-decoder model gets decoder rows of another length."""
    if model.config.is_encoder_decoder:
        return model(input_ids=tokens, decoder_input_ids=tokens[:, :3]).logits
    return model(input_ids=tokens).logits


@pytest.fixture(params=list(MODELS))
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return build(name)


@pytest.fixture
def llama():
    return build("llama")


@pytest.fixture
def tokens():
    return torch.randint(3, VOCAB, (5, 7), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def lora():
    """The helpers above, for tests (with importlib mode a conftest can't be imported)."""

    class Lora:
        models = MODELS
        adapters = staticmethod(random_adapters)
        run = staticmethod(run)
        build = staticmethod(build)

        @staticmethod
        def config(name: str, **options) -> t2l.LoraConfig:
            return t2l.LoraConfig(MODELS[name][3], rank=4, alpha=8, **options)

    return Lora
