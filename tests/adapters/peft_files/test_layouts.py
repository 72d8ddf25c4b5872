"""Layouts of files: names of older releases, wrappers, pickles, moved modules, the hub."""

import copy
import json

import peft
import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast.adapters.peft_format import hub
from t2l_fast.adapters.placing import newer_paths
from t2l_fast.errors import AdapterFormatError, AdapterMismatch, SiteNotReached
from tests.adapters.peft_files.wild import (
    IDS,
    SHAPE,
    assert_same,
    base_logits,
    llama,
    run_folder,
    save_with_peft,
)

PREFIX = "base_model.model."
LAYOUTS = {
    "adapter name": lambda n: n.replace(".weight", ".default.weight"),
    "another adapter name": lambda n: n.replace(".weight", ".my-adapter.weight"),
    "no suffix": lambda n: n.removesuffix(".weight"),
    "no prefix": lambda n: n.removeprefix(PREFIX),
    "prefix twice": lambda n: PREFIX + n,
    "torch.compile": lambda n: n.replace(PREFIX, PREFIX + "_orig_mod."),
    "FSDP": lambda n: n.replace("self_attn", "_fsdp_wrapped_module.self_attn"),
    "checkpointed": lambda n: n.replace("self_attn", "_checkpoint_wrapped_module.self_attn"),
    "DDP": lambda n: "module." + n.removeprefix(PREFIX),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_other_names_of_the_same_tensors_are_read(case, tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    save_file({LAYOUTS[case](n): t for n, t in load_file(path).items()}, path)
    assert_same(run_folder(base, tmp_path), theirs)


DTYPES = {
    "B in half": lambda n, t: t.half() if "lora_B" in n else t,
    "fp16 and bf16": lambda n, t: t.half() if "lora_A" in n else t.bfloat16(),
    "layers differ": lambda n, t: t.bfloat16() if "layers.1" in n else t.half(),
    "8 bits": lambda n, t: t.to(torch.float8_e4m3fn),
}


@pytest.mark.parametrize("case", DTYPES)
def test_tensors_of_several_dtypes_run_as_in_peft(case, tmp_path):
    base = llama()
    save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    save_file({n: DTYPES[case](n, t) for n, t in load_file(path).items()}, path)
    theirs = peft.PeftModel.from_pretrained(copy.deepcopy(base), str(tmp_path)).eval()
    with torch.no_grad():
        assert_same(run_folder(base, tmp_path), theirs(input_ids=IDS).logits)
    t2l.LoraWeights.from_pretrained(tmp_path).merge_into(base)
    assert_same(base_logits(base), run_folder(llama(), tmp_path))


def test_weights_in_several_files_are_read(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    path.unlink()
    part_of = {n: f"adapter_model-0000{1 + ('q_proj' in n)}-of-00002.safetensors" for n in tensors}
    for part in set(part_of.values()):
        save_file({n: t for n, t in tensors.items() if part_of[n] == part}, tmp_path / part)
    index = tmp_path / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": part_of}))
    assert_same(run_folder(base, tmp_path), theirs)
    (tmp_path / part).unlink()
    with pytest.raises(AdapterFormatError, match=f"must hold {part}, got none"):
        t2l.LoraWeights.from_pretrained(tmp_path)
    for content in ("{", "[]", '{"weight_map": {"a": "../other.safetensors"}}'):
        index.write_text(content)
        with pytest.raises(AdapterFormatError, match=r"index\.json must name.*save the adapter"):
            t2l.LoraWeights.from_pretrained(tmp_path)


def test_a_config_with_a_byte_order_mark_is_read_and_a_file_is_no_folder(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert_same(run_folder(base, tmp_path), theirs)
    with pytest.raises(AdapterFormatError, match="must be a folder.*name the folder"):
        t2l.LoraWeights.from_pretrained(path)


ODD = {
    "two adapters in one file": (".default.weight", ".other.weight", "must hold one adapter"),
    "a bias of B": ("lora_B.weight", "lora_B.bias", "lora_A, lora_B and DoRA"),
    "KaSA's diagonal": ("lora_A.weight", "lora_diag", "lora_A, lora_B and DoRA"),
}


@pytest.mark.parametrize("case", ODD)
def test_other_tensors_are_named(case, tmp_path):
    old, new, message = ODD[case]
    save_with_peft(llama(), tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    if case.startswith("two"):
        tensors = {n.replace(".weight", old): t for n, t in tensors.items()}
    more = {n.replace(old, new): t.clone() for n, t in tensors.items() if old in n}
    save_file(tensors | more, path)
    with pytest.raises(AdapterFormatError, match=message):
        t2l.LoraWeights.from_pretrained(tmp_path)


def test_a_pickled_file_is_read_and_safetensors_come_first(tmp_path):
    base = llama()
    theirs = save_with_peft(base, tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    torch.save({n: torch.zeros_like(t) for n, t in load_file(path).items()}, tmp_path / PICKLE)
    assert_same(run_folder(base, tmp_path), theirs)
    torch.save(load_file(path), tmp_path / PICKLE)
    path.unlink()
    assert_same(run_folder(base, tmp_path), theirs)


PICKLE = "adapter_model.bin"


class Harm:
    """Runs code where it is unpickled without care."""

    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.parametrize(
    "content", [Harm(), [1], {"a": 1}, b"junk"], ids=["code", "list", "numbers", "junk"]
)
def test_a_pickled_file_of_anything_but_tensors_is_refused(content, tmp_path, capsys):
    save_with_peft(llama(), tmp_path)
    (tmp_path / "adapter_model.safetensors").unlink()
    if isinstance(content, bytes):
        (tmp_path / PICKLE).write_bytes(content)
    else:
        torch.save(content, tmp_path / PICKLE)
    with pytest.raises(AdapterFormatError, match=PICKLE):
        t2l.LoraWeights.from_pretrained(tmp_path)
    assert "unpickled" not in capsys.readouterr().out


def gemma3() -> tf.PreTrainedModel:
    torch.manual_seed(0)
    text = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2)
    text |= dict(num_attention_heads=4, num_key_value_heads=2, head_dim=8)
    vision = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2)
    vision |= dict(num_attention_heads=2, image_size=32, patch_size=16)
    config = tf.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    return tf.Gemma3ForConditionalGeneration(config).eval()


EXCLUDES = {
    "the tower's name": ["vision_tower"],
    "one string": "vision_tower",
    "a regex": r".*vision_tower.*",
    "every module": [n for n, _ in gemma3().named_modules() if "vision_tower" in n],
}


@pytest.mark.parametrize("case", EXCLUDES)
def test_text_runs_without_the_vision_tower_when_asked(case, tmp_path):
    base = gemma3()
    theirs = save_with_peft(base, tmp_path)
    assert_same(run_folder(base, tmp_path, exclude=EXCLUDES[case]), theirs)


def test_the_vision_tower_is_not_left_out_unasked(tmp_path):
    base = gemma3()
    save_with_peft(base, tmp_path)
    with pytest.raises(SiteNotReached, match="exclude="):
        run_folder(base, tmp_path)
    config = t2l.LoraConfig(r".*language_model.*\.(q|v)_proj", 4, 8)
    with pytest.raises(AdapterMismatch, match="vision_tower.*exclude="):
        run_folder(base, tmp_path, config)


def test_an_adapter_that_excluded_the_tower_runs_by_its_own_config(tmp_path):
    base = gemma3()
    theirs = save_with_peft(base, tmp_path, exclude_modules=r".*vision_tower.*")
    assert_same(run_folder(base, tmp_path), theirs)
    theirs = save_with_peft(base, tmp_path, target_modules=r".*language_model.*\.(q|v)_proj")
    assert_same(run_folder(base, tmp_path), theirs)


def test_modules_that_transformers_moved_are_found(tmp_path):
    base = gemma3()
    theirs = save_with_peft(base, tmp_path, exclude_modules=r".*vision_tower.*")
    path = tmp_path / "adapter_model.safetensors"
    moved = {
        n.replace("model.language_model.", "language_model.model."): t
        for n, t in load_file(path).items()
    }
    assert not moved.keys() & load_file(path).keys()
    save_file(moved, path)
    assert_same(run_folder(base, tmp_path), theirs)
    assert (theirs - base_logits(base)).abs().max() > 1e-2


@torch.no_grad()
def test_an_adapter_of_the_model_without_its_head_runs_below_the_head(tmp_path):
    base = llama()
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj"], init_lora_weights=False)
    headless = peft.get_peft_model(copy.deepcopy(base.model), config).eval()
    theirs = base.lm_head(headless(input_ids=IDS).last_hidden_state)
    headless.save_pretrained(tmp_path)
    assert_same(run_folder(base, tmp_path, t2l.LoraConfig("all-linear", 4, 8)), theirs)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    merged = copy.deepcopy(base)
    weights.merge_into(merged)
    assert_same(base_logits(merged), theirs)


@pytest.mark.parametrize("repeat", [1, 2])
def test_linears_that_get_rows_and_tokens_flattened_run_as_in_peft(repeat, tmp_path):
    shape = dict(hidden_size=32, ffn_dim=48, word_embed_proj_dim=32, num_attention_heads=4)
    torch.manual_seed(0)
    base = tf.OPTForCausalLM(tf.OPTConfig(**shape, vocab_size=64, num_hidden_layers=2)).eval()
    theirs = [
        save_with_peft(base, tmp_path / str(seed), seed, target_modules=["fc1", "q_proj"])
        for seed in (1, 2)
    ]
    weights = [t2l.LoraWeights.from_pretrained(tmp_path / str(seed)) for seed in (1, 2)]
    adapters = t2l.attach(base, weights[0].config, num_slots=2)
    rows = adapters.bank.register(weights=weights)
    with torch.no_grad(), adapters.bank.lease([*rows, None]) as lease:
        with adapters.use(lease, repeat=repeat):
            logits = base(input_ids=IDS.expand(3 * repeat, -1)).logits
        assert_same(logits[::repeat][:2], torch.cat(theirs))
        with adapters.use(lease.slots[:, None].expand(-1, IDS.shape[1])):
            assert_same(base(IDS.expand(3, -1)).logits[:2], torch.cat(theirs))
    adapters.detach()
    assert_same(logits[2 * repeat :], base_logits(base).expand(repeat, -1, -1))


def test_an_adapter_of_experts_says_so(tmp_path):
    torch.manual_seed(0)
    base = tf.MixtralForCausalLM(
        tf.MixtralConfig(**SHAPE, num_hidden_layers=1, num_local_experts=2)
    )
    save_with_peft(llama(1), tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    expert = "block_sparse_moe.experts.0.w1"
    save_file({n.replace("self_attn.q_proj", expert): t for n, t in load_file(path).items()}, path)
    with pytest.raises(AdapterMismatch, match="MoE experts carry no adapters here.*merge"):
        run_folder(base.eval(), tmp_path, t2l.LoraConfig(("q_proj", "v_proj"), 4, 8))


@pytest.mark.parametrize(
    "old",
    [
        "language_model.model.layers.1.self_attn.q_proj",
        "vision_tower.vision_model.encoder.layers.0.self_attn.v_proj",
    ],
)
def test_moved_modules_are_found_by_transformers_own_mapping(old):
    model = gemma3()
    names = {name for name, _ in model.named_modules()}
    new = newer_paths(model, [old])[old]
    assert old not in names and new in names and new.rsplit(".", 4)[-4:] == old.rsplit(".", 4)[-4:]


def test_a_name_on_the_hub_is_downloaded(tmp_path, monkeypatch):
    base = llama()
    theirs = save_with_peft(base, tmp_path / "snapshot" / "best")
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tmp_path / "snapshot")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    weights = t2l.LoraWeights.from_pretrained("someone/adapters/best", revision="v2")
    weights.save_pretrained(tmp_path / "again")
    assert_same(run_folder(base, tmp_path / "again"), theirs)
    assert asked["name"] == "someone/adapters" and asked["revision"] == "v2"
    assert "best/adapter_config.json" in asked["allow_patterns"]


def test_a_name_that_the_hub_does_not_have_is_one_error(monkeypatch):
    def refuse(name, **options):
        raise OSError("offline\nlong trace")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(AdapterFormatError, match="neither as seen from here: offline$"):
        t2l.LoraWeights.from_pretrained("someone/nothing")


@pytest.mark.parametrize("name", ["/no/such/folder", "./no/folder", "one-name", "../up/there"])
def test_paths_are_never_asked_of_the_hub(name, monkeypatch):
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *a, **k: pytest.fail("asked"))
    assert str(hub.local_folder(name)) == name.removeprefix("./")
    with pytest.raises(AdapterFormatError, match="got none in"):
        t2l.LoraWeights.from_pretrained(name)


def test_without_a_task_the_class_of_the_base_survives(tmp_path):
    llama().save_pretrained(tmp_path / "base")
    base = tf.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    theirs = save_with_peft(base, tmp_path / "one")
    t2l.LoraWeights.from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    again = peft.AutoPeftModel.from_pretrained(tmp_path / "two").eval()
    with torch.no_grad():
        assert_same(again(input_ids=IDS).logits, theirs)


def test_base_model_revision_and_task_survive(tmp_path):
    llama().save_pretrained(tmp_path / "base")
    base = tf.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    theirs = save_with_peft(base, tmp_path / "one", task_type="CAUSAL_LM", revision="main")
    weights = t2l.LoraWeights.from_pretrained(tmp_path / "one")
    adapters = t2l.attach(base, weights.config, num_slots=1)
    (name,) = adapters.bank.register(weights=[weights])
    stacked = t2l.LoraBatch.stack([weights])[0]
    summed = t2l.LoraWeights.weighted_sum([weights], [1.0])
    for index, some in enumerate((weights, adapters.bank.weights(name), stacked, summed)):
        some.save_pretrained(tmp_path / f"two-{index}")
        fields = json.loads((tmp_path / f"two-{index}" / "adapter_config.json").read_text())
        assert fields["base_model_name_or_path"] == str(tmp_path / "base")
        assert (fields["task_type"], fields["revision"]) == ("CAUSAL_LM", "main")
        again = peft.AutoPeftModelForCausalLM.from_pretrained(tmp_path / f"two-{index}").eval()
        with torch.no_grad():
            assert_same(again(input_ids=IDS).logits, theirs)
