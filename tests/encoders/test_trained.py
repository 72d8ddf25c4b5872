"""An encoder under training: where it starts, what it is called, and what it leaves behind."""

import json

import pytest
import torch

from t2l_fast.encoders import EncoderAdapter, TextEncoder, TrainedEncoder, load_encoder
from t2l_fast.errors import EncoderError

TEXTS = ["ab, cd", "the longer of the two: 12345", "q?"]


@pytest.fixture(scope="module")
def plain(tiny_folder):
    return str(tiny_folder("to-train"))


def moved(encoder: TrainedEncoder, seed: int = 0) -> TrainedEncoder:
    """The same, its LoRA anywhere."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in encoder.parameters().values():
            parameter.normal_(std=0.2, generator=generator)
    return encoder


@pytest.fixture(scope="module")
def fitted(plain) -> EncoderAdapter:
    return moved(TrainedEncoder(plain, 2)).adapter


def test_a_new_lora_changes_nothing_yet(plain):
    encoder = TrainedEncoder(plain, 2)
    assert isinstance(encoder, TextEncoder)
    torch.testing.assert_close(encoder.encode(TEXTS), load_encoder(plain).encode(TEXTS))
    assert encoder.dim == load_encoder(plain).dim


@pytest.mark.parametrize("rank", [2, 3, 8])
def test_training_starts_at_the_adapter_of_the_encoder(plain, fitted, tmp_path, rank):
    fitted.write(tmp_path)
    before = load_encoder(f"{plain}+{tmp_path}")
    for encoder in (
        TrainedEncoder(f"{plain}+{tmp_path}", rank),
        TrainedEncoder(before.name, rank, adapter=before.adapter),
    ):
        expected = before.encode(TEXTS)
        torch.testing.assert_close(encoder.encode(TEXTS), expected, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(before.encode(TEXTS), load_encoder(plain).encode(TEXTS), atol=0.1)


def test_other_scales_are_taken_over(plain, tmp_path):
    """Adapters by `t2l train encoder --alpha` have others than an encoder under training."""
    from t2l_fast.train import EncoderConfig, fit_encoder

    texts = [[f"{word} it", f"please {word}"] for word in ("aa", "bb", "cc")]
    config = EncoderConfig(steps=5, tasks_per_batch=3, rank=2, alpha=1.0, learning_rate=0.1)
    fit_encoder(load_encoder(plain), texts, config).write(tmp_path)
    before = load_encoder(f"{plain}+{tmp_path}").encode(TEXTS)
    found = TrainedEncoder(f"{plain}+{tmp_path}", 3).encode(TEXTS)
    torch.testing.assert_close(found, before, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(before, load_encoder(plain).encode(TEXTS), atol=0.1)


def test_an_adapter_with_rslora_starts_at_its_own_scale(plain, fitted):
    config = json.loads(fitted.config) | {"use_rslora": True, "lora_alpha": 3.0}
    adapter = EncoderAdapter(json.dumps(config).encode(), fitted.weights)
    expected = load_encoder(plain, adapter=adapter).encode(TEXTS)
    found = TrainedEncoder(f"{plain}+{adapter.digest}", 4, adapter=adapter).encode(TEXTS)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_embed_is_encode_with_a_graph_to_the_lora_alone(plain):
    encoder = moved(TrainedEncoder(plain, 2))
    rows = encoder.embed(TEXTS)
    torch.testing.assert_close(rows.detach(), encoder.encode(TEXTS))
    rows[:, 0].sum().backward()
    parameters = encoder.parameters()
    assert parameters and all("lora_" in name for name in parameters)
    assert all(p.grad is not None and p.grad.any() for p in parameters.values())


def test_the_name_follows_the_weights(plain):
    encoder = TrainedEncoder(plain, 2)
    before, adapter = encoder.name, encoder.adapter
    assert before == load_encoder(plain, adapter=adapter).name
    assert moved(encoder).name != before
    assert encoder.adapter.digest == encoder.name.rpartition("+")[2]


def test_a_settled_encoder_is_what_its_adapter_says(plain):
    encoder = moved(TrainedEncoder(plain, 2))
    name = encoder.name
    encoder.settle()
    assert encoder.name == name
    loaded = load_encoder(plain, adapter=encoder.adapter).encode(TEXTS)
    torch.testing.assert_close(encoder.encode(TEXTS), loaded, rtol=1e-4, atol=1e-4)
    for parameter in encoder.parameters().values():
        assert torch.equal(parameter, parameter.half().float())


def test_new_rows_depend_on_the_seed_alone(plain):
    torch.manual_seed(5)
    first = TrainedEncoder(plain, 2, seed=1)
    state = torch.get_rng_state()
    again = TrainedEncoder(plain, 2, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert again.name == first.name
    assert TrainedEncoder(plain, 2, seed=2).name != first.name


def test_a_rank_below_the_adapters_is_refused(plain, fitted, tmp_path):
    fitted.write(tmp_path)
    with pytest.raises(EncoderError, match="^encoder_rank must be at least 2, .* got 1: raise it"):
        TrainedEncoder(f"{plain}+{tmp_path}", 1)


def test_an_adapter_of_other_layers_is_refused(plain, fitted):
    lacking = fitted.config.replace(b'"r"', b'"rank"')
    torn = EncoderAdapter(fitted.config, fitted.weights[:-9])
    for adapter in (EncoderAdapter(lacking, fitted.weights), torn):
        with pytest.raises(EncoderError, match="goes on from a LoRA of its linears"):
            TrainedEncoder(f"{plain}+{adapter.digest}", 2, adapter=adapter)


def test_a_causal_encoder_is_refused(monkeypatch):
    import t2l_fast.encoders.trained as trained

    monkeypatch.setattr(trained, "load_encoder", lambda *_, **__: object())
    with pytest.raises(EncoderError, match="must be a sentence-transformers model"):
        TrainedEncoder("causal:smollm2", 2)
