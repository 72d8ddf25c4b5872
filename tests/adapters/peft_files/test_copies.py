"""Copies of base weights in an adapter's file: the base's own are dropped, others refused."""

import copy

import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast.errors import AdapterMismatch
from tests.adapters.peft_files.wild import (
    IDS,
    SHAPE,
    assert_same,
    llama,
    run_folder,
    save_with_peft,
)

HEAD = dict(target_modules=["q_proj", "lm_head"])


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_an_adapter_of_the_output_head_runs_as_in_peft(tied, tmp_path):
    base = llama(tie_word_embeddings=tied)
    theirs = save_with_peft(base, tmp_path, **HEAD)
    held = load_file(tmp_path / "adapter_model.safetensors")
    assert any("base_layer" in name for name in held)
    assert_same(run_folder(base, tmp_path), theirs)


def test_embeddings_saved_beside_a_plain_adapter_run_as_in_peft(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    more = {f"base_model.model.{n}": base.get_parameter(n).detach().clone() for n in PARAMETERS}
    save_file(load_file(path) | more, path)
    assert_same(run_folder(base, tmp_path), theirs)


PARAMETERS = ("model.embed_tokens.weight", "lm_head.weight")


@pytest.mark.parametrize("base_dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("file_dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_a_copy_in_another_dtype_is_the_same_copy(base_dtype, file_dtype, tmp_path):
    base = llama()
    save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    copied = base.lm_head.weight.detach().to(file_dtype)
    save_file(load_file(path) | {"base_model.model.lm_head.weight": copied}, path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    assert weights.copies and weights.for_model(base.to(base_dtype)).copies is None


CHANGES = {
    "one row trained": lambda w: torch.cat([w[:-1], w[-1:] * 1.5]),
    "rows added": lambda w: torch.cat([w, w[:2]]),
    "all rows trained": lambda w: w + 0.1 * torch.randn_like(w),
}


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("case", CHANGES)
def test_another_weight_than_the_bases_is_refused(case, name, tmp_path):
    base = llama()
    save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    changed = CHANGES[case](base.get_parameter(name).detach())
    save_file(load_file(path) | {f"base_model.model.{name}": changed}, path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    adapters = t2l.attach(base, weights.config, num_slots=1)
    with pytest.raises(AdapterMismatch, match=f"{name}.*merge it with PEFT"):
        adapters.bank.register(weights=[weights])
    assert len(adapters.bank) == 0
    merged = copy.deepcopy(base)
    with pytest.raises(AdapterMismatch, match=name):
        weights.merge_into(merged)
    assert torch.equal(merged(input_ids=IDS).logits, base(input_ids=IDS).logits)
    with pytest.raises(AdapterMismatch, match="for_model"):
        t2l.LoraBatch.stack([weights])


def test_a_weight_that_the_base_does_not_have_is_refused(tmp_path):
    base = llama()
    save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    save_file(load_file(path) | {"base_model.model.score.weight": torch.ones(3, 32)}, path)
    with pytest.raises(AdapterMismatch, match=r"score\.weight.*got none"):
        run_folder(base, tmp_path)


def biased() -> tf.Qwen2ForCausalLM:
    torch.manual_seed(0)
    model = tf.Qwen2ForCausalLM(tf.Qwen2Config(**SHAPE, num_hidden_layers=2)).eval()
    for layer in model.model.layers:
        torch.nn.init.normal_(layer.self_attn.q_proj.bias, std=0.1)
    return model


@pytest.mark.parametrize("bias", ["all", "lora_only"])
@pytest.mark.parametrize("build", [llama, biased], ids=["no biases", "biases"])
def test_biases_that_training_left_alone_run_as_in_peft(build, bias, tmp_path):
    base = build()
    theirs = save_with_peft(base, tmp_path, bias=bias)
    assert_same(run_folder(base, tmp_path), theirs)


def test_a_trained_bias_is_refused_and_never_written_away(tmp_path):
    base = biased()
    save_with_peft(base, tmp_path, bias="all")
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(n for n in tensors if n.endswith("layers.1.self_attn.q_proj.base_layer.bias"))
    tensors[name][3] += 0.01
    save_file(tensors, path)
    with pytest.raises(AdapterMismatch, match=r"layers\.1\.self_attn\.q_proj\.bias.*merge it"):
        run_folder(base, tmp_path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    with pytest.raises(AdapterMismatch, match=r"for_model\(model\) first"):
        weights.save_pretrained(tmp_path / "again")
