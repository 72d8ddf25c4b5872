"""Attaching: what is refused, copies, compiled models, checkpoints and inference mode."""

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import UnsupportedModel, UseError


def test_peft_models_and_second_attach_are_refused(llama, lora):
    import peft

    adapters = t2l.attach(llama, lora.config("llama"), num_slots=1)
    with pytest.raises(UnsupportedModel, match="attached already"):
        t2l.attach(llama, lora.config("llama"), num_slots=1)
    adapters.detach()
    wrapped = peft.get_peft_model(llama, lora.config("llama").to_peft())
    with pytest.raises(UnsupportedModel, match="PEFT layers"):
        t2l.attach(wrapped, lora.config("llama"), num_slots=1)


@torch.no_grad()
def test_a_pickled_model_comes_back_bare(llama, lora, tokens, tmp_path):
    expected = llama(tokens).logits
    adapters = t2l.attach(llama, lora.config("llama"), num_slots=2)
    ids = adapters.bank.register(weights=lora.adapters(llama, adapters.config, 2))
    torch.save(llama, tmp_path / "model.pt")
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    with adapters.bank.lease([ids[0]] * 5) as lease, adapters.use(lease):
        assert not torch.equal(llama(tokens).logits, expected)
        assert torch.equal(loaded(tokens).logits, expected)


def test_a_model_compiled_in_place_is_refused(llama, lora):
    llama.compile(backend="eager")
    with pytest.raises(UnsupportedModel, match="attach to the plain model first"):
        t2l.attach(llama, lora.config("llama"), num_slots=1)


@torch.no_grad()
@pytest.mark.slow
def test_compiled_models_see_refilled_slots(llama, lora, tokens):
    adapters = t2l.attach(llama, lora.config("llama"), num_slots=2)
    weights = lora.adapters(llama, adapters.config, 2)
    adapters.bank.lease(adapters.bank.register(weights=weights))
    compiled = torch.compile(llama, backend="eager")
    slots = torch.full((5,), -1)
    with adapters.use(slots):
        compiled(tokens)
        slots.fill_(1)
        torch.testing.assert_close(compiled(tokens).logits, llama(tokens).logits)


@torch.no_grad()
def test_errors_of_the_model_pass_through_use(llama, lora, tokens):
    adapters = t2l.attach(llama, lora.config("llama"), num_slots=1)
    llama.model.layers[1].mlp.register_forward_pre_hook(lambda *_: {}["the model's own error"])
    with pytest.raises(KeyError, match="the model's own error"):
        with adapters.use(torch.zeros(5, dtype=torch.int64)):
            llama(tokens)
    assert adapters.active is None


@pytest.mark.parametrize("reentrant", [False, True], ids=["non-reentrant", "reentrant"])
def test_losses_of_two_uses_never_mix_their_adapters(llama, lora, tokens, reentrant):
    """A checkpoint of a closed use must not be recomputed with the adapters of the next one."""
    adapters = t2l.attach(llama.requires_grad_(False), lora.config("llama"), num_slots=0)
    batch = t2l.LoraBatch.stack(lora.adapters(llama, adapters.config, 2))
    for tensor in batch.parameters():
        tensor.requires_grad_()
    llama.train().gradient_checkpointing_enable({"use_reentrant": reentrant})
    llama.enable_input_require_grads()
    with adapters.use(torch.full((5,), 0), weights=batch):
        first = llama(tokens).logits.pow(2).mean()
    with adapters.use(torch.full((5,), 1), weights=batch):
        second = llama(tokens).logits.pow(2).mean()
        with pytest.raises(UseError, match="same use"):
            (first + second).backward()


@pytest.mark.parametrize("where", ["all", "lease", "forward"])
def test_inference_mode(llama, lora, tokens, where):
    """Leases made in or out of inference mode, as servers do, serve forwards in or out of it."""
    adapters = t2l.attach(llama, lora.config("llama"), num_slots=2)
    ids = adapters.bank.register(weights=lora.adapters(llama, adapters.config, 2))
    rows = [ids[1], None, ids[0], ids[0], ids[1]]
    with torch.no_grad(), adapters.bank.lease(rows) as lease, adapters.use(lease):
        expected = llama(tokens).logits
    with torch.inference_mode(where != "forward"):
        lease = adapters.bank.lease(rows)
    with torch.no_grad(), torch.inference_mode(where != "lease"), lease, adapters.use(lease):
        assert torch.equal(llama(tokens).logits, expected)


def test_merging_into_tied_weights_is_refused(lora):
    kind, config, options, _ = lora.models["llama"]
    model = kind(config(**options, tie_word_embeddings=True)).eval()
    (weights,) = lora.adapters(model, t2l.LoraConfig(["lm_head"], rank=4, alpha=8), 1)
    before = model.lm_head.weight.clone()
    with pytest.raises(UnsupportedModel, match="tied"):
        weights.merge_into(model)
    assert torch.equal(model.lm_head.weight, before)
