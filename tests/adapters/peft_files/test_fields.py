"""Fields of adapter_config.json: those of training change nothing; the others are named."""

import json

import peft
import peft.tuners.lora.config as lora_config
import pytest

import t2l_fast as t2l
from t2l_fast.errors import ConfigError
from tests.adapters.peft_files.wild import (
    assert_same,
    base_logits,
    llama,
    run_folder,
    save_with_peft,
)

TRAINING_ONLY = {
    "exclude_modules names nothing": dict(exclude_modules=["lm_head"]),
    "exclude_modules": dict(exclude_modules=["v_proj"]),
    "exclude_modules as a regex": dict(exclude_modules=r".*layers\.0\..*"),
    "ensure_weight_tying": dict(ensure_weight_tying=True),
    "eva": dict(init_lora_weights="eva", eva_config=peft.EvaConfig(rho=1.0)),
    "corda_config": dict(corda_config=lora_config.CordaConfig()),
    "loftq_config": dict(loftq_config={"loftq_bits": 4}),
    "gaussian": dict(init_lora_weights="gaussian"),
    "orthogonal": dict(init_lora_weights="orthogonal"),
    "no init": dict(init_lora_weights=False),
    "runtime_config": dict(runtime_config=peft.LoraRuntimeConfig(ephemeral_gpu_offload=True)),
    "rank_pattern repeats r": dict(rank_pattern={"q_proj": 4}),
    "alpha_pattern repeats lora_alpha": dict(alpha_pattern={"q_proj": 8}),
    "layers_to_transform of all layers": dict(layers_to_transform=[0, 1]),
    "layers_pattern": dict(layers_to_transform=[1], layers_pattern="layers"),
    "regex targets": dict(target_modules=r".*layers\.1\..*\.(q|k)_proj"),
    "all linear": dict(target_modules="all-linear"),
    "rslora and dropout": dict(use_rslora=True, lora_dropout=0.3),
}


@pytest.mark.parametrize("case", TRAINING_ONLY)
def test_fields_of_training_leave_pefts_logits(case, tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path, **TRAINING_ONLY[case])
    assert_same(run_folder(base, tmp_path), theirs)
    assert (theirs - base_logits(base)).abs().max() > 1e-2


@pytest.mark.parametrize("value", [None, [], ""], ids=repr)
def test_a_file_that_names_no_targets_is_for_what_it_has_weights_for(value, tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    rewritten(tmp_path, target_modules=value)
    assert_same(run_folder(base, tmp_path), theirs)
    assert_same(run_folder(base, tmp_path, t2l.LoraConfig("all-linear", 4, 8)), theirs)


def rewritten(folder, **fields):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("value", [None, False, {}, [], "", 0], ids=repr)
def test_an_unknown_field_at_a_value_that_says_nothing_is_read(tmp_path, value):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    rewritten(tmp_path, some_field_of_the_future=value, megatron_core="other.core")
    assert_same(run_folder(base, tmp_path), theirs)


def test_fields_of_other_trainers_are_read(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    swift = dict(lora_dtype="AUTO", lorap_emb_lr=1e-6, lorap_lr_ratio=16.0)
    unsloth = dict(auto_mapping={"base_model_class": "LlamaForCausalLM", "unsloth_fixed": True})
    rewritten(tmp_path, merge_weights=True, enable_lora=None, **swift, **unsloth)
    assert_same(run_folder(base, tmp_path), theirs)
    t2l.LoraWeights.from_pretrained(tmp_path).save_pretrained(tmp_path / "again")
    fields = json.loads((tmp_path / "again" / "adapter_config.json").read_text())
    assert fields["auto_mapping"] == unsloth["auto_mapping"]


CHANGES_THE_OUTPUT = {
    "a field of the future": dict(some_field_of_the_future=True),
    "modules_to_save": dict(modules_to_save=["lm_head"]),
    "target_parameters": dict(target_parameters=["experts.gate_up_proj"]),
    "trainable_token_indices": dict(trainable_token_indices=[1, 2]),
    "alora_invocation_tokens": dict(alora_invocation_tokens=[1, 2]),
    "lora_bias": dict(lora_bias=True),
    "layer_replication": dict(layer_replication=[[0, 1], [0, 1]]),
    "use_qalora": dict(use_qalora=True),
    "arrow_config": dict(arrow_config={"top_k": 2}),
    "pissa": dict(init_lora_weights="pissa_niter_4"),
    "olora": dict(init_lora_weights="olora"),
    "corda": dict(init_lora_weights="corda"),
    "loftq": dict(init_lora_weights="loftq"),
}


@pytest.mark.parametrize("case", CHANGES_THE_OUTPUT)
def test_fields_that_change_the_output_are_named_with_a_remedy(case, tmp_path):
    save_with_peft(llama(), tmp_path)
    (name,) = CHANGES_THE_OUTPUT[case]
    rewritten(tmp_path, **CHANGES_THE_OUTPUT[case])
    with pytest.raises(ConfigError, match=rf"{name}=.*(merge|convert)"):
        t2l.LoraWeights.from_pretrained(tmp_path)


WRONG_VALUES = {
    "pattern of text": (dict(rank_pattern={"q_proj": "4"}), "rank_pattern must hold a positive"),
    "pattern of rank 0": (dict(rank_pattern={"q_proj": 0}), "rank_pattern must hold a positive"),
    "pattern is a list": (dict(alpha_pattern=[1]), "alpha_pattern must hold a number"),
    "pattern is no regex": (dict(rank_pattern={"q_(proj": 2}), "must be a regular expression"),
    "rank is text": (dict(r="4"), 'r must be a whole number, got "4": correct'),
    "layers are text": (dict(layers_to_transform=["0"]), "layers_to_transform must be whole"),
    "exclude is a number": (dict(exclude_modules=3), "exclude_modules"),
    "alpha beyond floats": (dict(lora_alpha=10**400), "lora_alpha must be a number"),
    "pattern beyond floats": (dict(alpha_pattern={"q_proj": 10**400}), "alpha_pattern must hold"),
    "switch is text": (dict(use_rslora="false"), "use_rslora must be true or false"),
    "bias of another kind": (dict(bias="some"), "bias must be none, all or lora_only"),
}


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_wrong_values_are_config_errors(case, tmp_path):
    save_with_peft(llama(), tmp_path)
    fields, message = WRONG_VALUES[case]
    rewritten(tmp_path, **fields)
    with pytest.raises(ConfigError, match=message):
        t2l.LoraWeights.from_pretrained(tmp_path)


def test_a_pattern_that_takes_for_ever_is_refused(tmp_path):
    save_with_peft(llama(), tmp_path)
    rewritten(tmp_path, rank_pattern={r"(?:[a-z_.0-9]|[a-z_.0-9])+[!?]": 2})
    with pytest.raises(ConfigError, match="nested repetitions"):
        t2l.LoraWeights.from_pretrained(tmp_path)


SELECTIONS = {
    "exclude": dict(target_modules=["q_proj", "v_proj"], exclude_modules=["v_proj"]),
    "exclude one path": dict(
        target_modules=["q_proj"], exclude_modules=["model.layers.1.self_attn.q_proj"]
    ),
    "layers": dict(target_modules=["q_proj"], layers_to_transform=1),
    "layers and pattern": dict(
        target_modules=["q_proj"], layers_to_transform=[0, 2], layers_pattern=["layers"]
    ),
    "layers and exclude": dict(
        target_modules=["q_proj", "up_proj"],
        layers_to_transform=[0, 2],
        exclude_modules=r".*layers\.2\.mlp.*",
    ),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_a_config_from_peft_picks_the_modules_that_peft_picks(case):
    base = llama(3)
    config = peft.LoraConfig(r=4, lora_alpha=8, **SELECTIONS[case])
    sites = t2l.find_sites(base, t2l.LoraConfig.from_peft(config).target_modules)
    wrapped = peft.get_peft_model(base, config)
    theirs = {
        name.removeprefix("base_model.model.")
        for name, module in wrapped.named_modules()
        if hasattr(module, "lora_A")
    }
    assert {site.path for group in sites.values() for site in group} == theirs


@pytest.mark.parametrize("field", ["use_dora", "rank_pattern", "alpha_pattern"])
def test_what_needs_weights_is_refused_of_a_config_alone(field):
    value = True if field == "use_dora" else {"q_proj": 2}
    config = peft.LoraConfig(target_modules=["q_proj", "v_proj"], **{field: value})
    with pytest.raises(ConfigError, match=f"{field}=.*from_pretrained"):
        t2l.LoraConfig.from_peft(config)
