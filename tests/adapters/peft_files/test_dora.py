"""DoRA in mixed batches: PEFT's logits for its rows, and no bit of difference for the others."""

import copy

import peft
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast.adapters.dora import row_gains
from t2l_fast.adapters.hook import SiteHook
from t2l_fast.errors import AdapterFormatError, AdapterMismatch, UseError
from tests.adapters.peft_files.wild import (
    IDS,
    SHAPE,
    assert_same,
    base_logits,
    llama,
    run_folder,
    save_with_peft,
)

ALL = t2l.LoraConfig("all-linear", 8, 8)


def gpt2() -> tf.PreTrainedModel:
    torch.manual_seed(0)
    config = tf.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1)
    return tf.GPT2LMHeadModel(config).eval()


def qwen2() -> tf.PreTrainedModel:
    """Its q, k and v have biases, which magnitudes don't scale."""
    torch.manual_seed(0)
    model = tf.Qwen2ForCausalLM(tf.Qwen2Config(**SHAPE, num_hidden_layers=2)).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.normal_(0, 0.5)
    return model


CASES = {
    "llama": (llama, {}),
    "biases": (qwen2, {}),
    "Conv1D": (gpt2, dict(target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)),
    "all linears and the head": (llama, dict(target_modules=["q_proj", "up_proj", "lm_head"])),
    "patterns": (llama, dict(rank_pattern={"q_proj": 8}, alpha_pattern={"v_proj": 1})),
    "rslora of one layer": (llama, dict(use_rslora=True, layers_to_transform=[1])),
}


@pytest.mark.parametrize("case", CASES)
def test_logits_equal_pefts(case, tmp_path):
    build, options = CASES[case]
    base = build()
    theirs = save_with_peft(base, tmp_path, use_dora=True, **options)
    assert_same(run_folder(base, tmp_path), theirs)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    merged = copy.deepcopy(base)
    weights.merge_into(merged)
    assert_same(base_logits(merged), theirs)
    plain = t2l.LoraWeights(weights.config, weights.lora_a, weights.lora_b, weights.paths)
    with pytest.raises(AdapterMismatch, match="load the base model again"):
        weights.unmerge_from(merged)
    if not weights.ranks and not weights.copies:  # magnitudes matter here
        plain.save_pretrained(tmp_path / "plain")
        assert (run_folder(base, tmp_path / "plain") - theirs).abs().max() > 1e-2


@pytest.mark.parametrize("case", CASES)
def test_folders_written_here_load_in_peft(case, tmp_path):
    build, options = CASES[case]
    base = build()
    theirs = save_with_peft(base, tmp_path / "one", use_dora=True, **options)
    t2l.LoraWeights.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    again = peft.PeftModel.from_pretrained(copy.deepcopy(base), tmp_path / "two").eval()
    with torch.no_grad():
        assert_same(again(input_ids=IDS).logits, theirs)


@pytest.fixture
def mixed(tmp_path):
    """A base with two DoRA and two plain adapters over other modules, and PEFT's logits of each."""
    base = llama()
    options = [
        dict(use_dora=True),
        dict(target_modules=["q_proj", "up_proj"]),
        dict(use_dora=True, target_modules=["k_proj", "down_proj"], r=2),
        dict(r=8),
    ]
    theirs = [save_with_peft(base, tmp_path / str(i), i, **o) for i, o in enumerate(options)]
    weights = [t2l.LoraWeights.from_pretrained(tmp_path / str(i)) for i in range(len(options))]
    return base, weights, theirs


@torch.no_grad()
def test_a_mixed_batch_equals_peft_row_by_row(mixed):
    base, weights, theirs = mixed
    bare = base_logits(base)
    adapters = t2l.attach(base, ALL, num_slots=4)
    ids = adapters.bank.register(weights=weights)
    rows = [ids[0], None, ids[1], ids[2], ids[3], ids[0]]
    expected = [theirs[0], bare, theirs[1], theirs[2], theirs[3], theirs[0]]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        out = base(input_ids=IDS.expand(len(rows), -1)).logits
    for row, logits in enumerate(expected):
        assert_same(out[row : row + 1], logits)


@torch.no_grad()
def test_company_changes_no_bit_of_other_rows(mixed):
    base, weights, _ = mixed
    tokens = IDS.expand(3, -1)
    plain = t2l.attach(copy.deepcopy(base), ALL, num_slots=4)
    first, second = plain.bank.register(weights=[weights[1], weights[3]])
    model = next(iter(plain.sites.values()))[0].module  # keeps the copy's modules alive
    assert model is not None
    adapters = t2l.attach(base, ALL, num_slots=4)
    ids = adapters.bank.register(weights=weights)
    with adapters.bank.lease([ids[1], None, ids[3]]) as lease, adapters.use(lease):
        before = base(input_ids=tokens).logits
    adapters.bank.lease([ids[0], ids[2]]).release()  # DoRA is in the slots from here on
    with adapters.bank.lease([ids[1], None, ids[3]]) as lease, adapters.use(lease):
        after = base(input_ids=tokens).logits
    assert torch.equal(before, after)


@torch.no_grad()
def test_a_slot_that_held_dora_is_plain_for_the_next_adapter(mixed):
    base, weights, theirs = mixed
    bare = base_logits(base)
    adapters = t2l.attach(base, ALL, num_slots=1)
    ids = adapters.bank.register(weights=weights)
    for turn in (0, 1, 2, 3, 0):
        with adapters.bank.lease([ids[turn]]) as lease, adapters.use(lease):
            assert_same(base(input_ids=IDS).logits, theirs[turn])
        assert torch.equal(base_logits(base), bare)
        adapters.bank.evict([ids[turn]])


def test_gradients_reach_the_input_through_a_dora_slot(mixed):
    base, weights, _ = mixed
    adapters = t2l.attach(base.requires_grad_(False), ALL, num_slots=1)
    (name,) = adapters.bank.register(weights=weights[:1])
    merged = copy.deepcopy(base)
    adapters_free = copy.deepcopy(merged)
    weights[0].merge_into(adapters_free)
    x = torch.randn(1, 5, SHAPE["hidden_size"])
    grads = []
    for model in (base, adapters_free):
        inputs = x.clone().requires_grad_()
        if model is base:
            with adapters.bank.lease([name]) as lease, adapters.use(lease):
                model(inputs_embeds=inputs).logits.pow(2).sum().backward()
        else:
            model(inputs_embeds=inputs).logits.pow(2).sum().backward()
        grads.append(inputs.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_half_precision_stays_close_to_peft_in_full(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path, use_dora=True)
    out = run_folder(copy.deepcopy(base).to(torch.bfloat16), tmp_path)
    assert out.dtype == torch.bfloat16
    alone = base_logits(copy.deepcopy(base).to(torch.bfloat16)).float()
    error = (alone - base_logits(base)).abs().max()
    assert (out.float() - theirs).abs().max() < 4 * error + 0.02


@torch.no_grad()
@pytest.mark.parametrize("ran", [False, True], ids=["fresh", "after a forward"])
def test_a_quantised_base_is_dequantised_for_the_norms(ran, tmp_path):
    """bitsandbytes lays weights out anew at the first forward, on CPUs with bf16 instructions."""
    bnb = pytest.importorskip("bitsandbytes", reason="needs bitsandbytes for 4-bit linears on CPU")
    plain = llama(hidden_size=64)  # a block of 4-bit weights is 64 of a row
    base = copy.deepcopy(plain)
    for layer, other in zip(plain.model.layers, base.model.layers, strict=True):
        weight = layer.self_attn.q_proj.weight.mul_(50)  # large enough that logits show its norms
        packed = bnb.nn.Linear4bit(64, 64, bias=False, compute_dtype=torch.float32)
        packed.weight = bnb.nn.Params4bit(weight.data, requires_grad=False)
        other.self_attn.q_proj = packed.to("cpu").eval()
        weight.copy_(peft.utils.integrations.dequantize_module_weight(other.self_attn.q_proj))
    theirs = save_with_peft(plain, tmp_path, use_dora=True, target_modules=["q_proj"])
    before = base(input_ids=IDS).logits if ran else plain(input_ids=IDS).logits
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    adapters = t2l.attach(base, weights.config, num_slots=1)
    (name,) = adapters.bank.register(weights=[weights])
    with adapters.bank.lease([name]) as lease, adapters.use(lease):
        ours = base(input_ids=IDS).logits
    assert (ours - theirs).abs().max() < 0.02 * (theirs - before).abs().max()


def test_a_store_on_disk_keeps_magnitudes(mixed, tmp_path):
    base, weights, theirs = mixed
    path = tmp_path / "bank.sqlite"
    adapters = t2l.attach(base, ALL, num_slots=1, store=path)
    adapters.bank.register(weights=weights[:1], names=["dora"])
    adapters.detach()
    adapters = t2l.attach(base, ALL, num_slots=1, store=path)
    with torch.no_grad(), adapters.bank.lease(["dora"]) as lease, adapters.use(lease):
        assert_same(base(input_ids=IDS).logits, theirs[0])
    adapters.detach()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_magnitudes_that_are_not_finite_are_refused(value, mixed):
    base, weights, _ = mixed
    assert weights[0].magnitudes is not None
    weights[0].magnitudes["q_proj"][0, 0] = value
    adapters = t2l.attach(base, ALL, num_slots=1)
    with pytest.raises(AdapterMismatch, match="must be finite"):
        adapters.bank.register(weights=weights[:1])


def test_a_base_whose_row_vanishes_is_refused_and_the_slot_stays_empty(mixed):
    base, weights, _ = mixed
    only = weights[0]
    for part in (only.lora_a, only.lora_b):
        part["q_proj"].zero_()
    base.model.layers[1].self_attn.q_proj.weight.data[3] = 0
    bare = base_logits(base)
    adapters = t2l.attach(base, ALL, num_slots=1)
    (name,) = adapters.bank.register(weights=[only])
    with pytest.raises(AdapterMismatch, match=r"layers\.1\.self_attn\.q_proj"):
        adapters.bank.lease([name])
    with torch.no_grad(), adapters.use(torch.zeros(1, dtype=torch.int64)):
        assert torch.equal(base(input_ids=IDS).logits, bare)


def test_a_merge_that_fails_in_its_last_layer_changes_no_weight(mixed):
    base, weights, _ = mixed
    assert weights[0].magnitudes is not None
    weights[0].magnitudes["v_proj"][-1, 0] = float("nan")
    before = copy.deepcopy(base.state_dict())
    with pytest.raises(AdapterMismatch, match=r"layers\.1\.self_attn\.v_proj"):
        weights[0].merge_into(base)
    assert all(torch.equal(t, before[name]) for name, t in base.state_dict().items())


def test_dora_is_no_part_of_batches_and_sums(mixed):
    _, weights, _ = mixed
    with pytest.raises(AdapterMismatch, match="DoRA"):
        t2l.LoraBatch.stack(weights[:1])
    with pytest.raises(AdapterMismatch, match="DoRA"):
        t2l.LoraWeights.weighted_sum(weights[:1], [1.0])


@torch.no_grad()
def test_a_first_dora_adapter_after_a_capture_is_refused(mixed, monkeypatch):
    """A captured graph holds no gains, so it would run the adapter without its magnitudes."""
    base, weights, _ = mixed
    adapters = t2l.attach(base, ALL, num_slots=2)
    ids = adapters.bank.register(weights=weights[:2])
    with monkeypatch.context() as patched, adapters.bank.lease([ids[1]]) as lease:
        patched.setattr(SiteHook, "_workspace", lambda *_: None)  # as in a capture
        with adapters.use(lease):
            base(input_ids=IDS)
    with pytest.raises(UseError, match="before the capture"):
        adapters.bank.lease([ids[0]])


DAMAGE = {
    "one missing": lambda n, t: None if "0.self_attn.q_proj.lora_mag" in n else t,
    "integers": lambda n, t: t.int() if "lora_mag" in n else t,
    "another width": lambda n, t: t[:-1].contiguous() if "lora_mag" in n else t,
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_magnitudes_are_format_errors(case, tmp_path):
    save_with_peft(llama(), tmp_path, use_dora=True)
    path = tmp_path / "adapter_model.safetensors"
    tensors = {n: DAMAGE[case](n, t) for n, t in load_file(path).items()}
    save_file({n: t for n, t in tensors.items() if t is not None}, path)
    with pytest.raises(AdapterFormatError, match="magnitude"):
        t2l.LoraWeights.from_pretrained(tmp_path)


@pytest.mark.parametrize("scaling", [0.0, 2.0, -30.0])
def test_gains_are_those_of_the_written_out_sum(scaling):
    torch.manual_seed(0)
    linear = torch.nn.Linear(24, 40, dtype=torch.float64)
    (site,) = t2l.find_sites(torch.nn.Sequential(linear), ["0"])["0"]
    a, b = torch.randn(3, 24).double(), torch.randn(3, 40).double()
    magnitude = torch.rand(40).double() + 0.5
    norms = (linear.weight + scaling * b.T @ a).norm(dim=1)
    torch.testing.assert_close(row_gains(site, a, b, scaling, magnitude), magnitude / norms)


@pytest.mark.slow
@torch.no_grad()
def test_a_compiled_model_sees_dora_that_comes_later(mixed):
    base, weights, theirs = mixed
    adapters = t2l.attach(base, ALL, num_slots=2)
    ids = adapters.bank.register(weights=weights)
    compiled = torch.compile(base, backend="eager")
    for turn in (1, 0, 3, 2):
        with adapters.bank.lease([ids[turn]]) as lease, adapters.use(lease):
            assert_same(compiled(input_ids=IDS).logits, theirs[turn])
