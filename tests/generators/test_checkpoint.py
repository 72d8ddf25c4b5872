"""Folders of generators: bitwise round trips, fingerprints, damage, and what is not there."""

import json
from dataclasses import replace

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

import t2l_fast as t2l
from t2l_fast.errors import CheckpointError
from t2l_fast.generators import AutoGenerator, TextToLora


def test_save_and_load_are_bitwise(tiny, arch, codes, tmp_path):
    generator = tiny.trained(arch)
    generator.save_pretrained(tmp_path)
    loaded = TextToLora.from_pretrained(tmp_path)
    assert loaded.config == generator.config and not loaded.training
    assert loaded.fingerprint == generator.fingerprint
    ours, theirs = generator.generate(codes=codes), loaded.generate(codes=codes)
    for m in ours.lora_a:
        assert torch.equal(ours.lora_a[m], theirs.lora_a[m])
        assert torch.equal(ours.lora_b[m], theirs.lora_b[m])
    assert all(p.requires_grad for p in loaded.parameters())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_fp16_files_are_half_as_large_and_load_as_fp32(tiny, tmp_path):
    generator = tiny.trained("L")
    generator.save_pretrained(tmp_path, dtype=torch.float16)
    stored = load_file(tmp_path / "model.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    for name, tensor in TextToLora.from_pretrained(tmp_path).state_dict().items():
        assert torch.equal(tensor, generator.state_dict()[name].half().float())
    assert next(generator.parameters()).dtype == torch.float32


def test_fingerprints_are_equal_only_for_equal_adapters(tiny, arch):
    generator, same = tiny.trained(arch), tiny.trained(arch)
    first = generator.fingerprint
    assert first == same.fingerprint == generator.fingerprint
    config = replace(generator.config, lora=t2l.LoraConfig(("v_proj", "up_proj"), 3, 7))
    scaled = TextToLora(config)
    scaled.load_state_dict(generator.state_dict())
    assert scaled.fingerprint != first
    with torch.no_grad():
        generator.mlp3[4].bias[0] += 1
    assert generator.fingerprint != first
    generator.load_state_dict(same.state_dict())
    assert generator.fingerprint == first
    torch.optim.SGD(same.parameters(), lr=0.1).zero_grad()
    same(torch.ones(1, 12)).lora_a["v_proj"].sum().backward()
    torch.optim.SGD(same.parameters(), lr=0.1).step()
    assert same.fingerprint != first


def test_a_config_without_a_kind_is_text_to_lora(tiny, tmp_path):
    generator = tiny.trained("L")
    generator.save_pretrained(tmp_path)
    change_config(lambda c: c.pop("kind"))(tmp_path)
    assert AutoGenerator.from_pretrained(tmp_path).fingerprint == generator.fingerprint


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def change_tensors(change):
    def damage(folder):
        path = folder / "model.safetensors"
        stored = load_file(path)
        change(stored)
        save_file(stored, path)

    return damage


def change_config(change):
    def damage(folder):
        path = folder / "config.json"
        plain = json.loads(path.read_text())
        change(plain)
        path.write_text(json.dumps(plain))

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(truncate, id="truncated"),
        pytest.param(lambda f: (f / "model.safetensors").unlink(), id="no-weights"),
        pytest.param(lambda f: (f / "config.json").unlink(), id="no-config"),
        pytest.param(lambda f: (f / "config.json").write_text("{"), id="no-json"),
        pytest.param(lambda f: (f / "config.json").write_text("[]"), id="no-object"),
        pytest.param(lambda f: (f / "config.json").write_text("3"), id="a-number"),
        pytest.param(lambda f: (f / "config.json").write_bytes(b"\xff"), id="no-text"),
        pytest.param(change_config(lambda c: c.update(kind="other")), id="other-kind"),
        pytest.param(change_config(lambda c: c.update(colour=1)), id="unknown-field"),
        pytest.param(change_config(lambda c: c.update(latent_size=16)), id="other-size"),
        pytest.param(change_config(lambda c: c.update(arch="M")), id="other-arch"),
        pytest.param(change_config(lambda c: c.update(module_shapes="abc")), id="odd-shapes"),
        pytest.param(change_tensors(lambda t: t.pop("mlp3.4.bias")), id="missing"),
        pytest.param(change_tensors(lambda t: t.update(odd=torch.ones(1))), id="extra"),
        pytest.param(
            change_tensors(lambda t: t.update({"mlp3.4.bias": torch.ones(7)})), id="wrong-shape"
        ),
    ],
)
def test_damaged_checkpoints_are_refused(tiny, tmp_path, damage):
    tiny.trained("L").save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=tmp_path.name):
        TextToLora.from_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["no-such-generator", "./nowhere/at-all", "/nowhere"])
def test_a_missing_checkpoint_is_one_sentence(name):
    with pytest.raises(CheckpointError, match=name) as caught:
        TextToLora.from_pretrained(name)
    assert "\n" not in str(caught.value)


def test_a_name_that_the_hub_lacks_is_one_sentence(monkeypatch):
    def refuse(name, **_):
        raise OSError(f"404: {name}\nmany\nlines")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match="404: some/generator") as caught:
        TextToLora.from_pretrained("some/generator")
    assert "\n" not in str(caught.value)


def test_a_failed_save_leaves_the_old_checkpoint(tiny, tmp_path, monkeypatch):
    old, new = tiny.trained("L"), tiny.trained("S")
    old.save_pretrained(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        new.save_pretrained(tmp_path)
    assert TextToLora.from_pretrained(tmp_path).fingerprint == old.fingerprint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
