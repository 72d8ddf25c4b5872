"""Every supported model: a mixed batch equals each adapter merged into the weights, alone."""

import copy

import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.errors import SiteNotFound, UnsupportedModel, UseError

SLOTS = torch.tensor([2, -1, 0, 1, 2])


@pytest.fixture
def attached(name, model, lora):
    config = lora.config(name)
    weights = lora.adapters(model, config, 3)
    adapters = t2l.attach(model, config, num_slots=4)
    ids = adapters.bank.register(weights=weights)
    return adapters, weights, [None if s < 0 else ids[s] for s in SLOTS.tolist()]


@torch.no_grad()
def test_each_row_equals_its_adapter_merged(model, attached, tokens, lora):
    adapters, weights, rows = attached
    base = lora.run(model, tokens)
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    for row, slot in enumerate(SLOTS.tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        expected = lora.run(alone, tokens[row : row + 1])[0]
        torch.testing.assert_close(mixed[row], expected, rtol=1e-4, atol=5e-5)
        if slot >= 0:
            assert (mixed[row] - base[row]).abs().max() > 1e-2
            weights[slot].unmerge_from(alone)
            torch.testing.assert_close(
                lora.run(alone, tokens[row : row + 1])[0], base[row], rtol=1e-4, atol=5e-5
            )
    assert torch.equal(mixed[1], base[1])


@torch.no_grad()
def test_permuting_rows_permutes_outputs(model, attached, tokens, lora):
    adapters, _, rows = attached
    perm = torch.tensor([3, 0, 4, 2, 1])
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    with adapters.bank.lease([rows[i] for i in perm]) as lease, adapters.use(lease):
        permuted = lora.run(model, tokens[perm])
    torch.testing.assert_close(permuted, mixed[perm], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_copies_and_saved_files_are_the_bare_model(model, attached, tokens, lora, tmp_path):
    adapters, _, rows = attached
    twin = lora.build(next(n for n, m in lora.models.items() if isinstance(model, m[0])))
    expected = lora.run(twin, tokens)
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        assert torch.equal(lora.run(copy.deepcopy(model), tokens), expected)
        lora.run(model, tokens)
    assert model.state_dict().keys() == twin.state_dict().keys()
    model.save_pretrained(tmp_path / "attached")
    twin.save_pretrained(tmp_path / "bare")
    saved = (tmp_path / "attached/model.safetensors").read_bytes()
    assert saved == (tmp_path / "bare/model.safetensors").read_bytes()
    adapters.detach()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(lora.run(model, tokens), expected)


@torch.no_grad()
@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": False},
        {"do_sample": False, "num_beams": 3},
        {"do_sample": False, "num_beams": 3, "num_return_sequences": 2},
        {"do_sample": True, "num_return_sequences": 3, "top_k": 1},
    ],
    ids=["greedy", "beams", "beams returned", "sampling"],
)
def test_generate_equals_each_adapter_alone(model, attached, tokens, options):
    adapters, weights, rows = attached
    mask = torch.ones_like(tokens)
    if not model.config.is_encoder_decoder:  # left padding, as causal generation wants it
        mask[0, :3] = 0
        tokens = tokens * mask
    repeat = options.get("num_beams", options.get("num_return_sequences", 1))
    options = options | {"max_new_tokens": 5, "min_new_tokens": 5}
    with adapters.bank.lease(rows) as lease, adapters.use(lease, repeat=repeat):
        mixed = model.generate(input_ids=tokens, attention_mask=mask, **options)
    returned = mixed.shape[0] // len(rows)
    for row, slot in enumerate(SLOTS.tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        one = slice(row, row + 1)
        expected = alone.generate(input_ids=tokens[one], attention_mask=mask[one], **options)
        assert torch.equal(mixed[row * returned : (row + 1) * returned], expected)


def test_keys_are_the_shortest_unique_suffixes(lora):
    gpt2 = t2l.find_sites(lora.build("gpt2"), ("c_attn", "c_proj"))
    assert set(gpt2) == {"c_attn", "attn.c_proj", "mlp.c_proj"}
    t5 = t2l.find_sites(lora.build("t5"), ["q"])
    assert set(t5) == {
        "encoder.block.layer.0.SelfAttention.q",
        "decoder.block.layer.0.SelfAttention.q",
        "EncDecAttention.q",
    }
    assert [site.path for site in t5["EncDecAttention.q"]] == [
        f"decoder.block.{i}.layer.1.EncDecAttention.q" for i in range(2)
    ]


def test_all_linear_leaves_the_output_head_alone(llama):
    sites = t2l.find_sites(llama, "all-linear")
    assert len(sites) == 7 and "lm_head" not in sites


def test_a_missing_target_lists_near_names(llama):
    with pytest.raises(SiteNotFound, match="did you mean q_proj"):
        t2l.find_sites(llama, ["q_project"])


def test_a_module_that_is_no_linear_is_refused(llama):
    with pytest.raises(UnsupportedModel, match=r"self_attn \(LlamaAttention\).*q_proj"):
        t2l.find_sites(llama, ["self_attn"])


@pytest.mark.parametrize("target", ["gate_up_proj", "experts"])
def test_moe_experts_are_refused(target):
    options = dict(vocab_size=61, hidden_size=32, intermediate_size=16, num_hidden_layers=1)
    options |= dict(num_attention_heads=2, num_key_value_heads=2, num_local_experts=2)
    model = tf.MixtralForCausalLM(tf.MixtralConfig(**options))
    with pytest.raises((UnsupportedModel, SiteNotFound), match="MoE experts"):
        t2l.find_sites(model, [target])


def test_tensor_parallel_linears_are_refused(llama):
    from torch.distributed.tensor import DTensor, Replicate
    from torch.distributed.tensor._dtensor_spec import DTensorSpec, TensorMeta
    from torch.testing._internal.distributed.fake_pg import FakeStore

    torch.distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        mesh = torch.distributed.device_mesh.init_device_mesh("cpu", (2,))
        linear = llama.model.layers[0].self_attn.q_proj
        data = linear.weight.data
        meta = TensorMeta(data.shape, data.stride(), data.dtype)
        spec = DTensorSpec(mesh, (Replicate(),), meta)
        linear.weight = torch.nn.Parameter(DTensor(data, spec, requires_grad=False), False)
        with pytest.raises(UnsupportedModel, match="tensor-parallel"):
            t2l.find_sites(llama, ["q_proj"])
    finally:
        torch.distributed.destroy_process_group()


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
def test_sampled_rows_have_the_logits_of_their_adapter(model, attached, tokens):
    """Real sampling: every step's logits equal the merged model's over the same sampled tokens."""
    adapters, weights, rows = attached
    repeat, steps = 2, 4
    options = {"do_sample": True, "num_return_sequences": repeat, "max_new_tokens": steps}
    options |= {"min_new_tokens": steps, "output_logits": True, "return_dict_in_generate": True}
    torch.manual_seed(0)
    with adapters.bank.lease(rows) as lease, adapters.use(lease, repeat=repeat):
        mixed = model.generate(tokens, attention_mask=torch.ones_like(tokens), **options)
    logits = torch.stack(mixed.logits, 1)
    assert logits.shape[0] == repeat * len(rows)
    for row, slot in enumerate(SLOTS.repeat_interleave(repeat).tolist()):
        alone = copy.deepcopy(model)
        if slot >= 0:
            weights[slot].merge_into(alone)
        sequence = mixed.sequences[row : row + 1]
        if model.config.is_encoder_decoder:
            source = tokens[row // repeat : row // repeat + 1]
            expected = alone(input_ids=source, decoder_input_ids=sequence).logits
        else:
            expected = alone(sequence).logits
        expected = expected[0, -steps - 1 : -1]
        torch.testing.assert_close(logits[row], expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_encoder_decoder_slots_per_row_serve_both_lengths(lora, tokens):
    """Also where the encoder is as long as the batch has rows, and the decoder is not."""
    model = lora.build("t5")
    config = lora.config("t5")
    weights = lora.adapters(model, config, 2)
    adapters = t2l.attach(model, config, num_slots=2)
    ids = adapters.bank.register(weights=weights)
    with adapters.bank.lease([ids[1], ids[0]]) as lease, adapters.use(lease):
        for source, target in ((2, 2), (7, 2), (2, 5), (1, 6)):
            out = model(input_ids=tokens[:2, :source], decoder_input_ids=tokens[:2, :target])
            for row, slot in ((0, 1), (1, 0)):
                alone = copy.deepcopy(model)
                weights[slot].merge_into(alone)
                one = slice(row, row + 1)
                expected = alone(
                    input_ids=tokens[one, :source], decoder_input_ids=tokens[one, :target]
                ).logits
                torch.testing.assert_close(out.logits[one], expected, rtol=1e-4, atol=5e-5)


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


def test_one_name_to_exclude_may_be_a_string(llama):
    assert set(t2l.find_sites(llama, ["q_proj", "v_proj"], exclude="q_proj")) == {"v_proj"}
