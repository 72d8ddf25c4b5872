"""Fitted encoders: the LoRA that is merged is PEFT's own, and a name says which one it is."""

import json
import shutil
import warnings
from dataclasses import replace

import peft
import pytest
import torch
from safetensors.torch import save

from t2l_fast.encoders import CachedEncoder, EncoderAdapter, load_encoder, scaled
from t2l_fast.encoders.adapter import CONFIG_NAME, WEIGHTS_NAME
from t2l_fast.errors import EncoderError

TEXTS = ["ab, cd", "the longer of the two: 12345", "q?"]
LORA = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["query", "output.dense"])


@pytest.fixture(scope="module")
def plain(tiny_folder):
    return tiny_folder("to-fit")


def random_lora(folder, seed: int = 0) -> tuple[EncoderAdapter, torch.Tensor]:
    """An adapter none of whose matrices is zero, and what PEFT's own layers embed with it."""
    encoder = load_encoder(str(folder))
    torch.manual_seed(seed)
    with encoder.adapting(replace(LORA, init_lora_weights=False)) as wrapped:
        wrapped.eval()
        with torch.no_grad():
            rows = encoder.embed(TEXTS)
        held = peft.get_peft_model_state_dict(wrapped)
        kept = {k: t.detach().clone() for k, t in held.items()}
    config = dict(peft_type="LORA", r=2, lora_alpha=6, target_modules=["query", "output.dense"])
    return EncoderAdapter(json.dumps(config).encode(), save(kept)), rows


@pytest.fixture(scope="module")
def fitted(plain):
    return random_lora(plain)


def test_a_loaded_adapter_embeds_as_peft_does(plain, fitted, tmp_path):
    adapter, expected = fitted
    adapter.write(tmp_path / "lora")
    encoder = load_encoder(f"{plain}+{tmp_path / 'lora'}")
    torch.testing.assert_close(encoder.encode(TEXTS), scaled(expected), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(encoder.encode(TEXTS), load_encoder(str(plain)).encode(TEXTS))


def test_merging_an_adapter_warns_of_nothing(plain, fitted):
    """Every start of the bundled checkpoint merges one: a newcomer would read it first."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        load_encoder(str(plain), adapter=fitted[0])


def test_names_follow_what_an_adapter_holds_not_where_it_lies(plain, fitted, tmp_path):
    adapter, _ = fitted
    other, _ = random_lora(plain, seed=1)
    adapter.write(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "there+again")
    names = {load_encoder(f"{plain}+{tmp_path / 'here'}").name}
    names.add(load_encoder(f"{plain}+{tmp_path / 'there+again'}").name)
    names.add(load_encoder(str(plain), adapter=EncoderAdapter.read(tmp_path / "here")).name)
    assert names == {f"{plain.resolve()}+{adapter.digest}"}
    assert other.digest != adapter.digest


def test_an_adapter_that_is_given_must_be_the_one_in_the_name(plain, fitted):
    adapter, _ = fitted
    name = f"{plain.resolve()}+{adapter.digest}"
    assert load_encoder(name, adapter=adapter).name == name
    other, _ = random_lora(plain, seed=1)
    with pytest.raises(EncoderError, match=f"got one of {other.digest}"):
        load_encoder(name, adapter=other)


def test_a_cache_tells_its_encoders_adapter(plain, fitted):
    adapter, _ = fitted
    assert CachedEncoder(load_encoder(str(plain), adapter=adapter)).adapter == adapter
    assert CachedEncoder(load_encoder(str(plain))).adapter is None


def test_embeddings_for_training_are_those_of_encode(plain):
    encoder = load_encoder(str(plain))
    torch.testing.assert_close(scaled(encoder.embed(TEXTS)), encoder.encode(TEXTS))


def test_nothing_is_cut_silently_in_training_either(plain):
    with pytest.raises(EncoderError, match="at most 128 tokens"):
        load_encoder(str(plain)).embed(["a", "b " * 200])


def test_an_adapter_without_an_encoder_is_refused(fitted, tmp_path):
    fitted[0].write(tmp_path)
    with pytest.raises(EncoderError, match="an encoder must be"):
        load_encoder(f"+{tmp_path}")


def test_adapting_leaves_the_encoder_as_it_was(plain):
    encoder = load_encoder(str(plain))
    before = encoder.encode(TEXTS)
    with pytest.raises(RuntimeError, match="half-way"), encoder.adapting(LORA) as wrapped:
        trained = [p for p in wrapped.parameters() if p.requires_grad]
        encoder.embed(TEXTS).sum().backward()
        assert any(p.grad is not None and p.grad.any() for p in trained)
        with torch.no_grad():
            for parameter in trained:
                parameter.add_(1.0)
        raise RuntimeError("half-way")
    assert torch.equal(encoder.encode(TEXTS), before)
    model = encoder._model
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert not any("lora" in name for name, _ in model.named_modules())


def test_a_fitted_encoder_is_not_fitted_again(plain, fitted):
    encoder = load_encoder(str(plain), adapter=fitted[0])
    with pytest.raises(EncoderError, match="must have no adapter yet"), encoder.adapting(LORA):
        pass


@pytest.mark.parametrize("missing", [CONFIG_NAME, WEIGHTS_NAME])
def test_folders_without_an_adapter_are_refused(plain, fitted, tmp_path, missing):
    fitted[0].write(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(EncoderError, match="as `t2l train encoder` writes it"):
        load_encoder(f"{plain}+{tmp_path}")


def damaged(adapter: EncoderAdapter) -> EncoderAdapter:
    return replace(adapter, weights=adapter.weights[:-9])


def without_tensors(adapter: EncoderAdapter) -> EncoderAdapter:
    return replace(adapter, weights=save({}))


def of_another_model(adapter: EncoderAdapter) -> EncoderAdapter:
    name = "base_model.model.encoder.layer.7.attention.self.query.lora_A.weight"
    return replace(adapter, weights=save({name: torch.ones(2, 16)}))


def no_lora(adapter: EncoderAdapter) -> EncoderAdapter:
    return replace(adapter, config=b'{"peft_type": "NONE"}')


def no_json(adapter: EncoderAdapter) -> EncoderAdapter:
    return replace(adapter, config=b"{")


@pytest.mark.parametrize("change", [damaged, without_tensors, of_another_model, no_lora, no_json])
def test_adapters_that_do_not_fit_are_refused(plain, fitted, change):
    with pytest.raises(EncoderError, match="must be a LoRA of that encoder"):
        load_encoder(str(plain), adapter=change(fitted[0]))


def test_causal_encoders_take_no_adapter(fitted):
    with pytest.raises(EncoderError, match="needs a sentence-transformers encoder"):
        load_encoder("causal:smollm2:8", adapter=fitted[0])
