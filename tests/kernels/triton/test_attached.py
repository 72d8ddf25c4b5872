"""The kernels inside a model: hooks, workspace, LoraBatch gradients, as on a GPU."""

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_kernels._core import impl
from tests.kernels.triton.conftest import DEVICE, INTERPRETED

TARGETS = ("q_proj", "v_proj", "down_proj")


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = tf.LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    return tf.LlamaForCausalLM(config).eval().to(DEVICE)


@pytest.fixture
def choose(monkeypatch):
    """What "auto" means from here on, as if the CPU were a GPU."""

    def choose(name: str) -> None:
        monkeypatch.setattr(impl, "explain_impl", lambda device: (name, "a test says so"))

    yield choose


def batch(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 40, (4, 7), generator=generator).to(DEVICE)


def test_a_bank_serves_a_mixed_batch(model, choose):
    config = t2l.LoraConfig(TARGETS, 3, 6)
    adapters = t2l.attach(model, config, num_slots=5, rank_max=4)
    weights = t2l.LoraBatch.init(config, adapters.sites, num_adapters=3)
    for tensors in (weights.lora_a, weights.lora_b):
        for tensor in tensors.values():
            torch.nn.init.normal_(tensor, std=0.3)
    ids = adapters.bank.register(weights=list(weights))
    logits = {}
    for name in ("torch", "triton"):
        choose(name)
        with torch.no_grad(), adapters.bank.lease([ids[1], None, ids[0], ids[1]]) as lease:
            with adapters.use(lease):
                logits[name] = model(batch()).logits
    torch.testing.assert_close(logits["triton"], logits["torch"], rtol=1e-4, atol=1e-4)
    assert adapters.workspace.nbytes > 0, "s was not kept in the workspace"
    with torch.no_grad():
        base = model(batch()).logits
    assert torch.equal(logits["triton"][1], base[1]) or not INTERPRETED


def test_cores_in_slots(model, choose):
    """Hook, bank and the core kernel: as with the torch path, and as materialised."""
    torch.manual_seed(1)
    lora = t2l.LoraConfig(TARGETS, 3, 6)
    shape = {"latent_size": 8, "head_in_size": 20, "task_embedding_size": 5, "arch": "S"}
    generator = t2l.TextToLora(t2l.T2LConfig.for_model(model, lora=lora, **shape)).to(DEVICE)
    for head in generator.heads.values():
        torch.nn.init.normal_(head.weight, std=0.3)
    codes, logits = torch.randn(3, 5), {}
    for name, how in (("torch", False), ("triton", False), ("triton", True)):
        choose(name)
        adapters = t2l.attach(model, lora, num_slots=5, generator=generator, materialise=how)
        ids = adapters.bank.register(codes=codes)
        with torch.no_grad(), adapters.bank.lease([ids[1], None, ids[0], ids[1]]) as lease:
            with adapters.use(lease):
                logits[name, how] = model(batch()).logits
        adapters.detach()
    mine = logits["triton", False]
    for other in (logits["torch", False], logits["triton", True]):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        base = model(batch()).logits
    assert torch.equal(mine[1], base[1]) or not INTERPRETED
    assert (mine[0] - base[0]).abs().max() > 0.1


def test_gradients_reach_a_lora_batch(model, choose):
    config = t2l.LoraConfig(TARGETS, 3, 6)
    adapters = t2l.attach(model, config, num_slots=0)
    weights = t2l.LoraBatch.init(config, adapters.sites, num_adapters=3)
    for tensor in weights.lora_b.values():
        torch.nn.init.normal_(tensor, std=0.3)
    grads = {}
    for name in ("torch", "triton"):
        choose(name)
        for tensor in weights.parameters():
            tensor.grad = None
        slots = torch.tensor([2, 0, -1, 2], device=DEVICE)
        with adapters.use(slots, weights=weights):
            model(batch(), labels=batch(1)).loss.backward()
        grads[name] = [tensor.grad.clone() for tensor in weights.parameters()]
    for mine, theirs in zip(grads["triton"], grads["torch"], strict=True):
        assert theirs.abs().max() > 0
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)
