"""PEFT side by side: mixed batches, folders passed on, folders it writes that are refused, damage.

`test_peft.py` holds the row-by-row equality and the refusals by field.
"""

import dataclasses
import json
import os

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast import files
from t2l_fast.adapters import peft_format
from t2l_fast.errors import AdapterFormatError, AdapterMismatch, ConfigError, T2LError

STYLES = ["llama", "t5", "gpt2"]
OPTIONS = {
    "small": {"r": 2, "lora_alpha": 8},
    "rslora": {"r": 6, "lora_alpha": 3, "use_rslora": True},
    "dropout": {"r": 4, "lora_alpha": 16, "lora_dropout": 0.1},
}
ROWS = ["dropout", "__base__", "small", "rslora", "dropout"]


def peft_model(lora, name):
    """A PeftModel with all adapters of OPTIONS, randomly initialised."""
    wrapped = None
    for seed, (adapter, options) in enumerate(OPTIONS.items()):
        torch.manual_seed(seed)
        config = peft.LoraConfig(
            target_modules=list(lora.models[name][3]), init_lora_weights=False, **options
        )
        if wrapped is None:
            wrapped = peft.get_peft_model(lora.build(name), config, adapter_name=adapter)
        else:
            wrapped.add_adapter(adapter, config)
    return wrapped.eval()


def peft_run(wrapped, tokens, **options):
    if wrapped.config.is_encoder_decoder:
        options["decoder_input_ids"] = tokens[:, :3]
    return wrapped(input_ids=tokens, **options).logits


@torch.no_grad()
@pytest.mark.parametrize("name", STYLES)
def test_mixed_batch_equals_peft_adapter_names(name, lora, tokens, tmp_path):
    wrapped = peft_model(lora, name)
    wrapped.save_pretrained(tmp_path)
    model = lora.build(name)
    config = t2l.LoraConfig(lora.models[name][3], rank=4, alpha=8)
    adapters = t2l.attach(model, config, num_slots=3, rank_max=6)
    weights = [t2l.LoraWeights.from_pretrained(tmp_path / adapter) for adapter in OPTIONS]
    adapters.bank.register(weights=weights, names=list(OPTIONS))
    rows = [None if row == "__base__" else row for row in ROWS]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mixed = lora.run(model, tokens)
    torch.testing.assert_close(
        mixed, peft_run(wrapped, tokens, adapter_names=ROWS), rtol=0, atol=1e-4
    )
    for row, adapter in enumerate(ROWS):
        one = tokens[row : row + 1]
        if adapter == "__base__":
            with wrapped.disable_adapter():
                expected = peft_run(wrapped, one)
        else:
            wrapped.set_adapter(adapter)
            expected = peft_run(wrapped, one)
        torch.testing.assert_close(mixed[row], expected[0], rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", STYLES)
def test_a_folder_passed_on_gives_peft_the_same_logits(name, lora, tokens, tmp_path):
    wrapped = peft_model(lora, name)
    wrapped.save_pretrained(tmp_path / "peft")
    for adapter in OPTIONS:
        weights = t2l.LoraWeights.from_pretrained(tmp_path / "peft" / adapter)
        weights.save_pretrained(tmp_path / "here")
        first = load_file(tmp_path / "peft" / adapter / peft_format.WEIGHTS_NAME)
        second = load_file(tmp_path / "here" / peft_format.WEIGHTS_NAME)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first)
        again = peft.PeftModel.from_pretrained(lora.build(name), tmp_path / "here").eval()
        wrapped.set_adapter(adapter)
        assert torch.equal(peft_run(again, tokens), peft_run(wrapped, tokens))


FEATURES = {"lora_bias": True, "modules_to_save": ["lm_head"]}


@pytest.mark.parametrize("field", FEATURES)
def test_folders_written_by_peft_with_unsupported_features(field, llama, tmp_path):
    config = peft.LoraConfig(
        target_modules=["q_proj"],
        r=4,
        lora_alpha=8,
        init_lora_weights=False,
        **{field: FEATURES[field]},
    )
    if field == "lora_bias":  # PEFT wants a bias to be there
        for layer in llama.model.layers:
            layer.self_attn.q_proj.bias = torch.nn.Parameter(torch.zeros(32))
    peft.get_peft_model(llama, config).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match=f"plain LoRA is expected, got.*{field}"):
        t2l.LoraWeights.from_pretrained(tmp_path)


@pytest.fixture
def saved(llama, lora, tmp_path):
    (weights,) = lora.adapters(llama, lora.config("llama"), 1)
    weights.save_pretrained(tmp_path / "adapter")
    return weights, tmp_path / "adapter"


@pytest.mark.parametrize("keep", [0, 7, 8, 9, 100, 0.5, -1], ids=str)
def test_a_truncated_file_is_a_format_error(saved, keep):
    path = saved[1] / peft_format.WEIGHTS_NAME
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if keep == 0.5 else keep])
    with pytest.raises(AdapterFormatError, match=peft_format.WEIGHTS_NAME):
        t2l.LoraWeights.from_pretrained(saved[1])


BAD_FIELDS = {
    "r is null": {"r": None},
    "r is text": {"r": "x"},
    "r is a fraction": {"r": 4.7},
    "alpha is null": {"lora_alpha": None},
    "alpha is text": {"lora_alpha": "8"},
    "dropout is text": {"lora_dropout": "a"},
    "targets are a number": {"target_modules": 5},
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_bad_values_in_the_config_are_our_errors(saved, case):
    path = saved[1] / peft_format.CONFIG_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | BAD_FIELDS[case]))
    with pytest.raises((ConfigError, AdapterFormatError)):
        t2l.LoraWeights.from_pretrained(saved[1])


BAD_TENSORS = {
    "a flat A": ("lora_A", lambda t: torch.ones(4)),
    "a flat B": ("lora_B", lambda t: torch.ones(4)),
    "B of integers": ("lora_B", lambda t: t.int()),
}


@pytest.mark.parametrize("case", BAD_TENSORS)
def test_bad_tensors_are_format_errors(saved, case):
    part, change = BAD_TENSORS[case]
    path = saved[1] / peft_format.WEIGHTS_NAME
    tensors = {k: change(t) if part in k else t for k, t in load_file(path).items()}
    save_file(tensors, path)
    with pytest.raises(AdapterFormatError):
        t2l.LoraWeights.from_pretrained(saved[1])


def test_a_layer_of_another_width_than_the_model_is_refused(saved, llama):
    path = saved[1] / peft_format.WEIGHTS_NAME
    odd = "model.layers.0.self_attn.q_proj.lora_A"
    tensors = {k: torch.ones(4, 33) if odd in k else t for k, t in load_file(path).items()}
    save_file(tensors, path)
    weights = t2l.LoraWeights.from_pretrained(saved[1])
    adapters = t2l.attach(llama, weights.config, num_slots=1)
    with pytest.raises(AdapterMismatch, match="q_proj"):
        adapters.bank.register(weights=[weights])


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("fails", [1, 2], ids=["first file", "second file"])
def test_a_full_disk_leaves_the_old_adapter_whole(saved, monkeypatch, call, fails):
    """New tensors under the old config would run with the wrong scale, without an error."""
    weights, folder = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    config = dataclasses.replace(weights.config, alpha=80.0)
    other = {m: t + 1 for m, t in weights.lora_a.items()}
    real, calls = getattr(os, call), []

    def full(*args):
        calls.append(args)
        if len(calls) == fails:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(files.os, call, full)
    with pytest.raises(OSError, match="No space left"):
        t2l.LoraWeights(config, other, weights.lora_b, weights.paths).save_pretrained(folder)
    monkeypatch.undo()
    assert sorted(path.name for path in folder.iterdir()) == sorted(before)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_failed_first_save_leaves_no_half_adapter(saved, monkeypatch, tmp_path):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        saved[0].save_pretrained(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    with pytest.raises(T2LError):
        t2l.LoraWeights.from_pretrained(tmp_path / "new")
