"""Adapters of some layers, of mixed ranks and scales, and of layers with several shapes."""

import copy

import pytest
import torch
import transformers as tf
from torch import nn

import t2l_fast as t2l
from t2l_fast.errors import AdapterMismatch
from tests.adapters.peft_files import wild

ALL = t2l.LoraConfig("all-linear", 8, 8)
SOME = {
    "layers_to_transform": dict(layers_to_transform=[2, 3]),
    "one layer": dict(layers_to_transform=1),
    "full paths": dict(
        target_modules=[
            f"model.layers.{i}.self_attn.{m}" for i in (2, 3) for m in ("q_proj", "k_proj")
        ]
    ),
    "rank_pattern": dict(rank_pattern={"q_proj": 8, r"layers\.1\..*v_proj": 2}),
    "alpha_pattern": dict(alpha_pattern={"v_proj": 3, "model.layers.2.self_attn.q_proj": 1}),
    "both patterns and rslora": dict(
        rank_pattern={"q_proj": 2}, alpha_pattern={"q_proj": 5}, use_rslora=True
    ),
    "ranks of some layers": dict(layers_to_transform=[0, 3], rank_pattern={r"layers\.3\..*": 6}),
}


@pytest.mark.parametrize("case", SOME)
def test_a_bank_over_all_layers_runs_it_as_peft_does(case, tmp_path):
    base = wild.llama(4)
    theirs = wild.save_with_peft(base, tmp_path, **SOME[case])
    wild.assert_same(wild.run_folder(base, tmp_path, ALL), theirs)
    wild.assert_same(wild.run_folder(base, tmp_path), theirs)
    assert (theirs - wild.base_logits(base)).abs().max() > 1e-2


@pytest.mark.parametrize("case", SOME)
def test_merging_and_writing_again_keep_pefts_logits(case, tmp_path):
    base = wild.llama(4)
    theirs = wild.save_with_peft(base, tmp_path / "one", **SOME[case])
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "one")
    merged = copy.deepcopy(base)
    weights.merge_into(merged)
    wild.assert_same(wild.base_logits(merged), theirs)
    weights.unmerge_from(merged)
    wild.assert_same(wild.base_logits(merged), wild.base_logits(base))
    adapters = t2l.attach(copy.deepcopy(base), ALL, num_slots=1)
    (name,) = adapters.bank.register(weights=[weights])
    adapters.bank.weights(name).save_pretrained(tmp_path / "two")
    import peft

    again = peft.PeftModel.from_pretrained(copy.deepcopy(base), tmp_path / "two").eval()
    with torch.no_grad():
        wild.assert_same(again(input_ids=wild.IDS).logits, theirs)
    weights.uniform().save_pretrained(tmp_path / "three")
    wild.assert_same(wild.run_folder(base, tmp_path / "three", ALL), theirs)


@torch.no_grad()
def test_slots_hold_a_rank_per_layer_and_forget_it(tmp_path):
    base = wild.llama(4)
    theirs = wild.save_with_peft(base, tmp_path / "some", **SOME["ranks of some layers"])
    whole = wild.save_with_peft(base, tmp_path / "whole", seed=2)
    adapters = t2l.attach(base, ALL, num_slots=1)
    some, full = adapters.bank.register(
        weights=[t2l.LoraWeights.from_pretrained(tmp_path / name) for name in ("some", "whole")]
    )
    for name, expected in ((some, theirs), (full, whole), (some, theirs)):
        with adapters.bank.lease([name]) as lease, adapters.use(lease):
            wild.assert_same(base(input_ids=wild.IDS).logits, expected)
    assert adapters.slab is not None
    assert adapters.slab.ranks["q_proj"][:, 0].tolist() == [4, 0, 0, 6]
    assert adapters.slab.ranks["up_proj"][:, 0].tolist() == [0, 0, 0, 0]


def test_a_store_on_disk_keeps_ranks_scales_and_origin(tmp_path):
    base = wild.llama(4)
    theirs = wild.save_with_peft(
        base, tmp_path / "one", task_type="CAUSAL_LM", **SOME["ranks of some layers"]
    )
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "one")
    adapters = t2l.attach(base, ALL, num_slots=1, store=tmp_path / "bank.sqlite")
    adapters.bank.register(weights=[weights], names=["wild"])
    adapters.detach()
    adapters = t2l.attach(base, ALL, num_slots=1, store=tmp_path / "bank.sqlite")
    with torch.no_grad(), adapters.bank.lease(["wild"]) as lease, adapters.use(lease):
        wild.assert_same(base(input_ids=wild.IDS).logits, theirs)
    assert adapters.bank.weights("wild").origin == weights.origin
    adapters.detach()


def test_a_model_with_more_layers_than_the_adapter_was_trained_for_is_refused(tmp_path):
    wild.save_with_peft(wild.llama(2), tmp_path)
    with pytest.raises(AdapterMismatch, match=r"all layers.*model\.layers\.2\.self_attn\.q_proj"):
        wild.run_folder(wild.llama(4), tmp_path, ALL)


def test_an_adapter_whose_ranks_differ_stacks_into_a_batch(tmp_path):
    base = wild.llama(4)
    theirs = wild.save_with_peft(base, tmp_path, **SOME["both patterns and rslora"])
    batch = t2l.LoraBatch.stack([t2l.LoraWeights.from_pretrained(tmp_path)])
    adapters = t2l.attach(base, batch.config, num_slots=0)
    with torch.no_grad(), adapters.use(torch.zeros(1, dtype=torch.int64), weights=batch):
        wild.assert_same(base(input_ids=wild.IDS).logits, theirs)


def gemma4() -> tf.PreTrainedModel:
    torch.manual_seed(0)
    return tf.Gemma4ForCausalLM(
        tf.Gemma4TextConfig(
            **wild.SHAPE,
            num_hidden_layers=4,
            head_dim=8,
            global_head_dim=16,
            layer_types=["sliding_attention"] * 3 + ["full_attention"],
            hidden_size_per_layer_input=0,
            vocab_size_per_layer_input=64,
            num_kv_shared_layers=0,
        )
    ).eval()


@pytest.mark.parametrize(
    "extra", [{}, {"use_dora": True}, {"layers_to_transform": [2, 3]}], ids=str
)
def test_layers_of_several_shapes_run_as_in_peft(extra, tmp_path):
    base = gemma4()
    theirs = wild.save_with_peft(base, tmp_path, **extra)
    wild.assert_same(wild.run_folder(base, tmp_path), theirs)
    wild.assert_same(wild.run_folder(base, tmp_path, ALL), theirs)


def test_keys_tell_layers_of_several_shapes_apart():
    sites = t2l.find_sites(gemma4(), ["q_proj"])
    assert {key: [s.path.split(".")[2] for s in group] for key, group in sites.items()} == {
        "q_proj": ["0", "1", "2"],
        "q_proj@32x64": ["3"],
    }


class Blocks(nn.Module):
    """Linears in a Sequential: one list of them at the top, one below each block."""

    def __init__(self) -> None:
        super().__init__()
        block = lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))  # noqa: E731
        self.blocks = nn.ModuleList([block(), block()])

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


SEQUENTIAL = {
    "below blocks": (Blocks, ["0.0", "1.2"]),
    "at the top": (
        lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)),
        ["0", "2"],
    ),
    "of one shape": (lambda: nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), ["2"]),
    "all of them": (Blocks, ["0.0", "0.2", "1.0", "1.2"]),
}


@pytest.mark.parametrize("case", SEQUENTIAL)
@torch.no_grad()
def test_linears_in_a_sequential_run_as_in_peft(case, tmp_path):
    import peft

    torch.manual_seed(0)
    build, targets = SEQUENTIAL[case]
    base = build()
    config = peft.LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, target_modules=targets)
    wrapped = peft.get_peft_model(copy.deepcopy(base), config)
    x = torch.randn(3, 8)
    theirs = wrapped(x)
    wrapped.save_pretrained(tmp_path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    adapters = t2l.attach(base, t2l.LoraConfig("all-linear", 4, 8), num_slots=1)
    (name,) = adapters.bank.register(weights=[weights])
    with adapters.bank.lease([name] * 3) as lease, adapters.use(lease):
        wild.assert_same(base(x), theirs)
