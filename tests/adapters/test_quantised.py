"""Quantised linears: the delta runs in the compute dtype, merging is refused."""

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import UnsupportedModel


@torch.no_grad()
def test_quantised_linears_run_the_delta_in_the_compute_dtype(llama, tokens, lora):
    bnb = pytest.importorskip("bitsandbytes", reason="needs bitsandbytes for 4-bit linears on CPU")
    for parent in [layer.self_attn for layer in llama.model.layers]:
        plain = parent.q_proj
        packed = bnb.nn.Linear4bit(32, 32, bias=False, compute_dtype=torch.float32)
        packed.weight = bnb.nn.Params4bit(plain.weight.data, requires_grad=False)
        parent.q_proj = packed.to("cpu")
    llama(tokens[:1])
    assert llama.model.layers[0].self_attn.q_proj.weight.dtype == torch.uint8
    config = t2l.LoraConfig(["q_proj"], rank=4, alpha=8)
    weights = lora.adapters(llama, config, 2)
    adapters = t2l.attach(llama, config, num_slots=2)
    assert adapters.slab.dtype == torch.float32
    ids = adapters.bank.register(weights=weights)
    seen = {}

    def record(module, args, output):
        seen["x"], seen["y"] = args[0], output

    site = adapters.sites["q_proj"][0]
    with adapters.bank.lease([ids[1], None, ids[0], ids[0], None]) as lease, adapters.use(lease):
        handle = site.module.register_forward_hook(record)
        llama(tokens)
        handle.remove()
    base = site.module.forward(seen["x"])
    delta = seen["x"][0] @ weights[1].lora_a["q_proj"][0].T @ weights[1].lora_b["q_proj"][0]
    torch.testing.assert_close(seen["y"][0], base[0] + 2 * delta, rtol=1e-4, atol=1e-4)
    assert torch.equal(seen["y"][1], base[1])
    with pytest.raises(UnsupportedModel, match="dequantise"):
        weights[0].merge_into(llama)


@torch.no_grad()
def test_8_bit_linears_run_the_delta_in_the_compute_dtype(llama, tokens, lora):
    bnb = pytest.importorskip("bitsandbytes", reason="needs bitsandbytes for 8-bit linears on CPU")
    for parent in [layer.self_attn for layer in llama.model.layers]:
        weight = parent.q_proj.weight.data.clone()
        packed = bnb.nn.Linear8bitLt(32, 32, bias=False, has_fp16_weights=False)
        packed.weight = bnb.nn.Int8Params(weight, requires_grad=False, has_fp16_weights=False)
        parent.q_proj = packed.to("cpu")
    base = llama(tokens).logits
    assert llama.model.layers[0].self_attn.q_proj.weight.dtype == torch.int8
    config = t2l.LoraConfig(["q_proj"], rank=4, alpha=8)
    weights = lora.adapters(llama, config, 2)
    adapters = t2l.attach(llama, config, num_slots=2)
    assert adapters.slab.dtype == torch.float32
    ids = adapters.bank.register(weights=weights)
    site = adapters.sites["q_proj"][0]
    seen = {}

    def record(module, args, output):
        seen["x"], seen["y"] = args[0], output

    with adapters.bank.lease([ids[1], None, ids[0], ids[0], None]) as lease, adapters.use(lease):
        handle = site.module.register_forward_hook(record)
        mixed = llama(tokens).logits
        handle.remove()
    for row, slot in ((0, 1), (2, 0), (3, 0)):
        a, b = weights[slot].lora_a["q_proj"][0], weights[slot].lora_b["q_proj"][0]
        expected = site.module.forward(seen["x"])[row] + 2 * (seen["x"][row] @ a.T @ b)
        torch.testing.assert_close(seen["y"][row], expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(mixed[1], base[1]) and torch.equal(mixed[4], base[4])
    with pytest.raises(UnsupportedModel, match="dequantise"):
        weights[0].merge_into(llama)
