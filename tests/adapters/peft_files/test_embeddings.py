"""Adapters of embeddings, alone and beside linears, as PEFT runs and saves them."""

import copy

import peft
import pytest
import torch
import transformers as tf

import t2l_fast as t2l
from t2l_fast.errors import AdapterFormatError, AdapterMismatch
from tests.adapters.peft_files import wild


def gemma3() -> tf.PreTrainedModel:
    """Its embedding's output is multiplied by a number."""
    torch.manual_seed(0)
    return tf.Gemma3ForCausalLM(
        tf.Gemma3TextConfig(**wild.SHAPE, num_hidden_layers=2, head_dim=8)
    ).eval()


def gpt2() -> tf.PreTrainedModel:
    torch.manual_seed(0)
    config = tf.GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=4, bos_token_id=1)
    return tf.GPT2LMHeadModel(config).eval()


CASES = {
    "embedding alone": (wild.llama, dict(target_modules=["embed_tokens"])),
    "embedding, head and a linear": (
        wild.llama,
        dict(target_modules=["embed_tokens", "lm_head", "q_proj"]),
    ),
    "tied weights": (
        lambda: wild.llama(tie_word_embeddings=True),
        dict(target_modules=["embed_tokens", "v_proj"]),
    ),
    "tied adapters, one module named": (
        lambda: wild.llama(tie_word_embeddings=True),
        dict(target_modules=["embed_tokens", "v_proj"], ensure_weight_tying=True),
    ),
    "tied adapters by the head's name": (
        lambda: wild.llama(tie_word_embeddings=True),
        dict(target_modules=["lm_head", "v_proj"], ensure_weight_tying=True),
    ),
    "scaled output": (gemma3, dict(target_modules=["embed_tokens", "q_proj"])),
    "positions too": (gpt2, dict(target_modules=["wte", "wpe"])),
    "its own rank": (
        wild.llama,
        dict(target_modules=["embed_tokens", "q_proj"], rank_pattern={"embed_tokens": 2}),
    ),
}


def with_embeddings(base, folder, seed=1, **options):
    """Save as `wild.save_with_peft` does, with random numbers for embeddings too."""
    torch.manual_seed(seed)
    config = peft.LoraConfig(**(dict(r=4, lora_alpha=8) | options))
    model = peft.get_peft_model(copy.deepcopy(base), config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.2)
        logits = model(input_ids=wild.IDS).logits
    model.save_pretrained(str(folder))
    return logits


@pytest.mark.parametrize("case", CASES)
def test_logits_equal_pefts_and_those_of_a_folder_written_again(case, tmp_path):
    build, options = CASES[case]
    base = build()
    theirs = with_embeddings(base, tmp_path / "one", **options)
    assert (theirs - wild.base_logits(base)).abs().max() > 1e-2
    wild.assert_same(wild.run_folder(base, tmp_path / "one"), theirs)
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "one")
    weights.save_pretrained(tmp_path / "two")
    again = peft.PeftModel.from_pretrained(copy.deepcopy(base), tmp_path / "two").eval()
    with torch.no_grad():
        wild.assert_same(again(input_ids=wild.IDS).logits, theirs)


@torch.no_grad()
def test_a_mixed_batch_with_another_adapter_in_every_row(tmp_path):
    base = wild.llama()
    bare = wild.base_logits(base)
    embed = dict(target_modules=["embed_tokens", "q_proj"])
    theirs = [
        with_embeddings(base, tmp_path / "0", 1, **embed),
        wild.save_with_peft(base, tmp_path / "1", 2),
        with_embeddings(base, tmp_path / "2", 3, **embed | {"r": 2}),
    ]
    adapters = t2l.attach(
        base, t2l.LoraConfig(("embed_tokens", "q_proj", "v_proj"), 6, 8), num_slots=3
    )
    ids = adapters.bank.register(
        weights=[t2l.LoraWeights.from_pretrained(tmp_path / str(i)) for i in range(3)]
    )
    for part in (adapters.slab.lora_a, adapters.slab.lora_b):
        part["embed_tokens"].fill_(torch.nan)  # what lies beyond a rank is never read
    rows = [ids[2], None, ids[0], ids[1], ids[2]]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        out = base(input_ids=wild.IDS.expand(5, -1)).logits
    for row, logits in enumerate([theirs[2], bare, theirs[0], theirs[1], theirs[2]]):
        wild.assert_same(out[row : row + 1], logits)
    assert torch.equal(out[1:2], base(input_ids=wild.IDS.expand(5, -1)).logits[1:2])


def test_gradients_reach_an_embeddings_adapter(tmp_path):
    """Through `use(weights=…)`: equal to merging, by autograd."""
    base = wild.llama().double().requires_grad_(False)
    config = t2l.LoraConfig(("embed_tokens",), 2, 4)
    adapters = t2l.attach(base, config, num_slots=0)
    batch = t2l.LoraBatch.init(config, adapters.sites, 2)
    for tensor in batch.parameters():
        tensor.data = torch.randn(tensor.shape, dtype=torch.float64) * 0.2
    with adapters.use(torch.tensor([1]), weights=batch):
        base(input_ids=wild.IDS).logits.pow(2).sum().backward()
    mine = [t.grad.clone() for t in batch.parameters()]
    adapters.detach()
    a, b = (t.detach().clone().requires_grad_() for t in batch.parameters())
    merged = base.model.embed_tokens.weight + 2.0 * a[0, 1].T @ b[0, 1]
    hidden = torch.nn.functional.embedding(wild.IDS, merged)
    base(inputs_embeds=hidden).logits.pow(2).sum().backward()
    for own, expected in zip(mine, (a.grad, b.grad), strict=True):
        torch.testing.assert_close(own, expected)


@torch.no_grad()
def test_merging_and_a_store_on_disk(tmp_path):
    base = wild.llama()
    theirs = with_embeddings(base, tmp_path / "one", target_modules=["embed_tokens", "q_proj"])
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "one")
    merged = copy.deepcopy(base)
    weights.merge_into(merged)
    wild.assert_same(wild.base_logits(merged), theirs)
    path = tmp_path / "bank.sqlite"
    adapters = t2l.attach(base, weights.config, num_slots=1, store=path)
    adapters.bank.register(weights=[weights], names=["wild"])
    adapters.bank.weights("wild").save_pretrained(tmp_path / "two")
    adapters.detach()
    adapters = t2l.attach(base, weights.config, num_slots=1, store=path)
    with adapters.bank.lease(["wild"]) as lease, adapters.use(lease):
        wild.assert_same(base(input_ids=wild.IDS).logits, theirs)
    adapters.detach()
    wild.assert_same(wild.run_folder(base, tmp_path / "two"), theirs)


def test_all_linear_picks_no_embedding():
    assert "embed_tokens" not in t2l.find_sites(wild.llama(), "all-linear")


def test_an_embeddings_adapter_without_a_site_is_refused(tmp_path):
    base = wild.llama()
    with_embeddings(base, tmp_path, target_modules=["embed_tokens", "q_proj"])
    with pytest.raises(AdapterMismatch, match="embed_tokens"):
        wild.run_folder(base, tmp_path, t2l.LoraConfig("all-linear", 4, 8))


def test_dora_of_an_embedding_is_refused(tmp_path):
    with_embeddings(wild.llama(), tmp_path, target_modules=["embed_tokens"], use_dora=True)
    with pytest.raises(AdapterFormatError, match="DoRA runs on linears alone.*merge"):
        t2l.LoraWeights.from_pretrained(tmp_path)


@pytest.mark.slow
@torch.no_grad()
def test_a_compiled_model_looks_adapters_up_too(tmp_path):
    base = wild.llama()
    theirs = with_embeddings(base, tmp_path, target_modules=["embed_tokens", "q_proj"])
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    adapters = t2l.attach(base, weights.config, num_slots=2)
    ids = adapters.bank.register(weights=[weights])
    compiled = torch.compile(base, backend="eager")
    with adapters.bank.lease(ids) as lease, adapters.use(lease):
        wild.assert_same(compiled(input_ids=wild.IDS).logits, theirs)
