"""Adapters.use: gradients, checkpointing, compile, threads, and adapters that would go missing."""

import copy
import threading

import pytest
import torch
from torch._dynamo.testing import CompileCounter

import t2l_fast as t2l
from t2l_fast.errors import (
    AdapterMismatch,
    ArgumentError,
    SiteNotReached,
    UnsupportedModel,
    UseError,
)

SLOTS = torch.tensor([2, -1, 0, 1, 2])


@pytest.fixture
def served(llama, lora):
    config = lora.config("llama")
    adapters = t2l.attach(llama, config, num_slots=4)
    ids = adapters.bank.register(weights=lora.adapters(llama, config, 3))
    adapters.bank.lease(ids)
    return adapters


@pytest.fixture
def trained(llama, lora):
    adapters = t2l.attach(llama.requires_grad_(False), lora.config("llama"), num_slots=0)
    batch = t2l.LoraBatch.stack(lora.adapters(llama, adapters.config, 3))
    for tensor in batch.parameters():
        tensor.requires_grad_()
    return adapters, batch


def gradients(model, adapters, batch, tokens, slots=SLOTS):
    with adapters.use(slots, weights=batch):
        loss = (model(tokens).logits.double() ** 2).mean()
        loss.backward()
    found = [t.grad.clone() for t in batch.parameters()]
    for tensor in batch.parameters():
        tensor.grad = None
    return found


def test_gradients_equal_autograd_through_merged_weights(lora, tokens):
    """fp64; row by row, the weight of every site replaced by W + scaling · Bᵀ A."""
    model = lora.build("llama").double().requires_grad_(False)
    config = lora.config("llama", use_rslora=True)
    batch = t2l.LoraBatch.stack(
        [
            t2l.LoraWeights(
                config,
                {m: t.double() for m, t in w.lora_a.items()},
                {m: t.double() for m, t in w.lora_b.items()},
            )
            for w in lora.adapters(model, config, 3)
        ]
    )
    for tensor in batch.parameters():
        tensor.requires_grad_()
    adapters = t2l.attach(model, config, num_slots=0)
    mine = gradients(model, adapters, batch, tokens)
    adapters.detach()
    losses = []
    for row, slot in enumerate(SLOTS.tolist()):
        merged = {}
        for m, group in adapters.sites.items() if slot >= 0 else ():
            for site in group:
                a, b = batch.lora_a[m][site.layer, slot], batch.lora_b[m][site.layer, slot]
                merged[f"{site.path}.weight"] = site.module.weight + config.scaling * b.T @ a
        out = torch.func.functional_call(model, merged, (tokens[row : row + 1],))
        losses.append((out.logits**2).sum())
    total = sum(losses) / (tokens.numel() * 61)
    expected = torch.autograd.grad(total, batch.parameters())
    for one, two in zip(mine, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-8, atol=1e-10)
        assert two.abs().max() > 0


@pytest.mark.parametrize("reentrant", [False, True], ids=["non-reentrant", "reentrant"])
def test_checkpointed_gradients_equal_plain_ones(llama, trained, tokens, reentrant):
    adapters, batch = trained
    llama.train()
    plain = gradients(llama, adapters, batch, tokens)
    llama.gradient_checkpointing_enable({"use_reentrant": reentrant})
    llama.enable_input_require_grads()
    for one, two in zip(gradients(llama, adapters, batch, tokens), plain, strict=True):
        torch.testing.assert_close(one, two)


def test_backward_after_use_closed_is_our_error(llama, trained, tokens):
    adapters, batch = trained
    llama.train().gradient_checkpointing_enable()
    with adapters.use(SLOTS, weights=batch):
        loss = llama(tokens).logits.sum()
    with pytest.raises(UseError, match="inside the same use"):
        loss.backward()
    with adapters.use(SLOTS, weights=batch):
        loss = llama(tokens).logits.sum()
        loss.backward()


def test_a_base_model_step_may_be_checkpointed_too(llama, trained, tokens):
    adapters, batch = trained
    gradients(llama, adapters, batch, tokens)
    llama.train().requires_grad_(True).gradient_checkpointing_enable()
    llama(tokens).logits.sum().backward()
    assert llama.model.layers[0].self_attn.q_proj.weight.grad.abs().max() > 0


def test_training_batch_equals_serving_from_slots(llama, served, lora, tokens):
    batch = t2l.LoraBatch.stack(lora.adapters(llama, served.config, 3))
    with torch.no_grad():
        with served.use(SLOTS):
            from_slots = llama(tokens).logits
        with served.use(SLOTS, weights=batch):
            from_batch = llama(tokens).logits
    torch.testing.assert_close(from_slots, from_batch, rtol=1e-5, atol=1e-5)


def test_dropout_acts_in_train_mode_only(llama, lora, tokens):
    config = lora.config("llama", dropout=0.5)
    adapters = t2l.attach(llama, config, num_slots=1)
    adapters.bank.lease(adapters.bank.register(weights=lora.adapters(llama, config, 1)))
    slots = torch.zeros(5, dtype=torch.int32)

    def twice():
        with torch.no_grad(), adapters.use(slots):
            return llama(tokens).logits, llama(tokens).logits

    assert torch.equal(*twice())
    llama.train()
    assert not torch.equal(*twice())


def test_autocast_runs_adapters_in_its_dtype(llama, trained, tokens):
    adapters, batch = trained
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(llama, adapters, batch, tokens)
    exact = gradients(llama, adapters, batch, tokens)
    for one, two in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        assert torch.cosine_similarity(one.flatten(), two.flatten(), 0) > 0.95


def test_slots_of_another_dtype_than_the_base(llama, lora, tokens):
    config = lora.config("llama")
    weights = lora.adapters(llama, config, 1)
    adapters = t2l.attach(llama, config, num_slots=1, dtype=torch.float64)
    (only,) = adapters.bank.register(weights=weights)
    with torch.no_grad(), adapters.bank.lease([only] * 5) as lease, adapters.use(lease):
        out = llama(tokens).logits
    merged = copy.deepcopy(llama)
    weights[0].merge_into(merged)
    torch.testing.assert_close(out, merged(tokens).logits, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_one_slot_per_token(llama, served, tokens):
    slots = torch.full(tokens.shape, -1)
    slots[:, 4:] = 1
    base = llama(tokens).logits
    with served.use(slots):
        out = llama(tokens).logits
    assert torch.equal(out[:, :4], base[:, :4])
    assert ((out - base)[:, 4:].abs().amax(-1) > 0).all()


@torch.no_grad()
def test_refilled_slots_are_seen_by_the_next_forward(llama, served, tokens):
    slots = torch.full((5,), -1)
    base = llama(tokens).logits
    with served.use(slots):
        assert torch.equal(llama(tokens).logits, base)
        slots.fill_(1)
        inner = llama.model(tokens).last_hidden_state  # past the hook on the model itself
        assert not torch.equal(llama.lm_head(inner), base)


@torch.no_grad()
@pytest.mark.slow
def test_compile_recompiles_no_more_than_the_bare_model(llama, served, lora):
    """Another batch, other adapters, another length: as many graphs as without adapters."""
    frames = {}
    for name, model in (("bare", lora.build("llama")), ("attached", llama)):
        torch._dynamo.reset()
        counter = CompileCounter()
        compiled = torch.compile(model, backend=counter)
        for rows, length in ((4, 6), (4, 6), (5, 9), (3, 4), (7, 8)):
            batch = torch.randint(3, 61, (rows, length))
            if name == "bare":
                compiled(batch)
                continue
            slots = torch.randint(-1, 3, (rows,))
            with served.use(slots):
                expected = model(batch).logits
            with served.use(slots):
                torch.testing.assert_close(compiled(batch).logits, expected)
        frames[name] = counter.frame_count
    assert frames["attached"] == frames["bare"]


@pytest.mark.slow
def test_a_compiled_model_is_refused_and_attach_forgets_old_graphs(llama, lora, tokens):
    with pytest.raises(UnsupportedModel, match="attach to the plain model first"):
        t2l.attach(torch.compile(llama), lora.config("llama"), num_slots=1)
    with torch.no_grad():
        compiled = torch.compile(llama, backend="eager")
        base = compiled(tokens).logits
        config = lora.config("llama")
        adapters = t2l.attach(llama, config, num_slots=1)
        adapters.bank.lease(adapters.bank.register(weights=lora.adapters(llama, config, 1)))
        with adapters.use(torch.zeros(5, dtype=torch.int32)):
            assert not torch.equal(compiled(tokens).logits, base)
        adapters.detach()
        torch.testing.assert_close(compiled(tokens).logits, base)


def test_nested_and_second_thread_enter_raise(llama, served, tokens):
    caught = []

    def other():
        try:
            with served.use(SLOTS):
                pass
        except UseError as error:
            caught.append(error)

    with torch.no_grad(), served.use(SLOTS):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with pytest.raises(UseError, match="entered already"), served.use(SLOTS):
            pass
        llama(tokens)
    assert len(caught) == 1


@torch.no_grad()
def test_a_forward_in_another_thread_uses_the_adapters(llama, served, tokens):
    outputs = {}
    with served.use(SLOTS):
        here = llama(tokens).logits

        @torch.no_grad()
        def work():
            outputs["there"] = llama(tokens).logits

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert torch.equal(outputs["there"], here)


@torch.no_grad()
def test_bypassed_sites_are_reported(llama, served, tokens):
    projection = llama.model.layers[1].self_attn.v_proj
    projection.__class__ = type("Fused", (torch.nn.Linear,), {"__call__": torch.nn.Linear.forward})
    expected = "1 of 6 sites never ran, such as model.layers.1.self_attn.v_proj"
    with pytest.raises(SiteNotReached, match=expected), served.use(SLOTS):
        llama(tokens)
    with pytest.raises(SiteNotReached, match="6 of 6"), served.use(SLOTS):
        pass
    with pytest.raises(ZeroDivisionError), served.use(SLOTS):
        _ = 1 / 0
    assert served.active is None


BAD = {
    "slots out of range": (torch.tensor([0, 4, 0, 0, 0]), {}, r"\[-1, 3\]"),
    "below -1": (torch.tensor([0, -2, 0, 0, 0]), {}, "got -2"),
    "float slots": (torch.zeros(5), {}, "integer tensor"),
    "a list": ([0] * 5, {}, "got list"),
    "no repeat": (SLOTS, {"repeat": 0}, "repeat must be"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_slots_are_named(served, case):
    slots, options, message = BAD[case]
    with pytest.raises(ArgumentError, match=message), served.use(slots, **options):
        pass


def test_slots_of_another_batch_size_are_named(llama, served, tokens):
    with pytest.raises(ArgumentError, match="slots must fit"), served.use(torch.tensor([0, 1, 2])):
        llama(tokens)


def test_weights_must_fit_the_sites(served, lora):
    other = lora.build("mistral")
    config = t2l.LoraConfig(["o_proj"], rank=4, alpha=8)
    batch = t2l.LoraBatch.init(config, t2l.find_sites(other, ["o_proj"]), 2)
    with pytest.raises(AdapterMismatch, match="o_proj"), served.use(SLOTS, weights=batch):
        pass


def test_without_slots_there_is_no_bank(trained):
    adapters, _ = trained
    with pytest.raises(UseError, match="num_slots=0"):
        _ = adapters.bank
    adapters.detach()
    adapters.detach()
    with pytest.raises(UseError, match="detached"), adapters.use(SLOTS):
        pass


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_slots": -1}, "num_slots"), ({"num_slots": 1, "rank_max": 2}, "rank_max")],
    ids=["negative slots", "rank_max below rank"],
)
def test_attach_checks_its_arguments(llama, lora, options, message):
    with pytest.raises(ArgumentError, match=message):
        t2l.attach(llama, lora.config("llama"), **options)
    assert not any(m._forward_hooks for m in llama.modules())


def test_multi_lora_linear_stands_alone():
    torch.manual_seed(0)
    base = torch.nn.Linear(12, 10)
    layer = t2l.MultiLoraLinear(base, num_slots=3, rank=4, alpha=8)
    x = torch.randn(2, 5, 12)
    slots = torch.tensor([2, -1])
    assert torch.equal(layer(x, slots), base(x))
    torch.nn.init.normal_(layer.lora_b)
    out = layer(x, slots)
    expected = base(x[0]) + 2.0 * x[0] @ layer.lora_a[2].T @ layer.lora_b[2]
    torch.testing.assert_close(out[0], expected)
    assert torch.equal(out[1], base(x)[1])
    assert torch.equal(layer(x), base(x))
    torch.testing.assert_close(copy.deepcopy(layer)(x, slots), out)
    out.sum().backward()
    assert layer.lora_b.grad[2].abs().max() > 0 and layer.lora_b.grad[0].abs().max() == 0
    assert base.weight.grad is None
    with pytest.raises(ArgumentError, match="slots must fit"):
        layer(x, torch.tensor([0, 1, 2]))
