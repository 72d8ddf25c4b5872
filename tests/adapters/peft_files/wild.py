"""Adapters as PEFT saves them, and the logits that PEFT computes with them."""

from __future__ import annotations

import copy
from pathlib import Path

import peft
import torch
import transformers as tf
from torch import Tensor, nn

import t2l_fast as t2l

IDS = torch.arange(3, 15)[None]
SHAPE = dict(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    num_attention_heads=4,
    num_key_value_heads=2,
)


def llama(layers: int = 2, **options) -> tf.LlamaForCausalLM:
    torch.manual_seed(0)
    config = tf.LlamaConfig(**(SHAPE | options), num_hidden_layers=layers)
    return tf.LlamaForCausalLM(config).eval()


@torch.no_grad()
def save_with_peft(base: nn.Module, folder: Path | str, seed: int = 1, **options) -> Tensor:
    """Save a random adapter of r 4 and alpha 8, and return PEFT's logits of `IDS`."""
    plain = dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    config = peft.LoraConfig(**(plain | options))
    model = peft.get_peft_model(copy.deepcopy(base), config).eval()  # pyright: ignore
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            parameter.normal_(0, 0.2, generator=generator)
        elif "lora_magnitude" in name:
            parameter *= 1 + 0.3 * torch.rand(parameter.shape, generator=generator)
    logits = model(input_ids=IDS).logits
    model.save_pretrained(str(folder))
    return logits


@torch.no_grad()
def run_folder(
    base: nn.Module, folder: Path | str, config: t2l.LoraConfig | None = None, **options
) -> Tensor:
    """Return the logits of `IDS` under a folder's adapter, in a bank over `config`'s sites."""
    weights, model = t2l.LoraWeights.from_pretrained(folder), copy.deepcopy(base)
    adapters = t2l.attach(model, config or weights.config, num_slots=2, **options)
    rows = adapters.bank.register(weights=[weights])
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        return model(input_ids=IDS).logits


@torch.no_grad()
def base_logits(base: nn.Module) -> Tensor:
    return base(input_ids=IDS).logits


def assert_same(mine: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)
