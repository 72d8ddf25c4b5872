"""The base model as encoder: its last real token, whatever the padding side."""

import pytest
import torch
import transformers as tf

from t2l_fast.encoders import CausalEncoder, TextEncoder, load_encoder, prepare, scaled
from t2l_fast.errors import EncoderError

TEXTS = ["ab", "a longer one, with more tokens than that", "c?"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,? "
SMALL = dict(vocab_size=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)


def tokenizer(side: str, **options) -> tf.PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocab = {text: i for i, text in enumerate(["<pad>", "<s>", "</s>", "<unk>", *LETTERS])}
    spelled = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    spelled.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    options = {"pad_token": "<pad>", "model_max_length": 100} | options
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=spelled, unk_token="<unk>", padding_side=side, **options
    )


def llama() -> tf.PreTrainedModel:
    config = tf.LlamaConfig(
        **SMALL,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
    )
    return lively(tf.LlamaForCausalLM, config)


def gpt2() -> tf.PreTrainedModel:
    """Learned positions: padding on the left would move them."""
    config = tf.GPT2Config(**SMALL, n_embd=16, n_layer=2, n_head=2, n_positions=64)
    return lively(tf.GPT2LMHeadModel, config)


def lively(kind, config) -> tf.PreTrainedModel:
    torch.manual_seed(0)
    model = kind(config).eval()
    for parameter in model.parameters():
        if parameter.dim() == 2:
            parameter.data.mul_(10.0)
    return model


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("build", [llama, gpt2])
def test_the_embedding_is_the_last_tokens_last_hidden_state(build, side):
    model = build()
    encoder = CausalEncoder(model, tokenizer(side), name="tiny")
    assert isinstance(encoder, TextEncoder) and (encoder.name, encoder.dim) == ("tiny", 16)
    for text, row in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        ids = torch.tensor([encoder._tokenizer(prepare(text))["input_ids"]])
        with torch.no_grad():
            hidden = model(ids, output_hidden_states=True).hidden_states[-1]
        torch.testing.assert_close(row, scaled(hidden[:, -1])[0], atol=1e-4, rtol=1e-4)


def test_a_text_that_ends_in_the_pad_token_keeps_its_last_token():
    """Many models pad with their end-of-text token, so ids do not tell padding."""
    model, padded = llama(), tokenizer("right", pad_token="?")
    row = CausalEncoder(model, padded, name="tiny").encode(["ab?", "a much longer text"])[0]
    with torch.no_grad():
        ids = torch.tensor([padded("ab?")["input_ids"]])
        hidden = model(ids, output_hidden_states=True).hidden_states[-1][0]  # [3, dim]
    torch.testing.assert_close(row, scaled(hidden)[2], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(row, scaled(hidden)[1], atol=0.1)


def test_nothing_of_the_model_changes_and_no_gradient_is_left():
    model = llama()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    encoder = CausalEncoder(model, tokenizer("left"), name="tiny")
    assert not encoder.encode(TEXTS).requires_grad
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_many_texts_give_the_rows_they_give_alone():
    encoder = CausalEncoder(llama(), tokenizer("right"), name="tiny")
    texts = [f"count to {n}" for n in range(70)]
    together = encoder.encode(texts)
    alone = torch.cat([encoder.encode([text]) for text in texts[60:]])
    torch.testing.assert_close(together[60:], alone, atol=1e-4, rtol=1e-4)
    assert encoder.encode([]).shape == (0, 16)


@pytest.mark.parametrize(("build", "limit"), [(llama, 100), (gpt2, 64)])
def test_the_lower_limit_of_model_and_tokenizer_holds(build, limit):
    encoder = CausalEncoder(build(), tokenizer("right"), name="tiny")
    assert encoder.encode(["1" * limit]).shape == (1, 16)
    with pytest.raises(EncoderError, match=f"text 1 must have at most {limit} tokens"):
        encoder.encode(["a", "1" * (limit + 1)])


def test_a_tokenizer_without_padding_is_refused():
    with pytest.raises(EncoderError, match="tokenizer.pad_token = tokenizer.eos_token"):
        CausalEncoder(llama(), tokenizer("right", pad_token=None), name="tiny")


def test_dropout_is_refused():
    model = llama()
    encoder = CausalEncoder(model, tokenizer("right"), name="tiny")
    model.train()
    with pytest.raises(EncoderError, match=r"model.eval\(\)"):
        encoder.encode(TEXTS)


def test_a_model_that_collapses_is_refused():
    model = llama()
    model.model.embed_tokens.weight.data.fill_(1.0)
    with pytest.raises(EncoderError, match="collapsed"):
        CausalEncoder(model, tokenizer("right"), name="tiny")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("blocks", [0, 1])
def test_the_mean_after_some_blocks_is_over_real_tokens(side, blocks):
    model = llama()
    encoder = CausalEncoder(model, tokenizer(side), name="tiny", mean_after=blocks)
    for text, row in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        ids = torch.tensor([encoder._tokenizer(prepare(text))["input_ids"]])
        with torch.no_grad():
            hidden = model(ids, output_hidden_states=True).hidden_states[blocks][0]
        torch.testing.assert_close(row, hidden.mean(0), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("blocks", [-1, 2])
def test_there_are_only_so_many_blocks(blocks):
    with pytest.raises(EncoderError, match=r"mean_after must lie in \[0, 1\]"):
        CausalEncoder(llama(), tokenizer("right"), name="tiny", mean_after=blocks)


@pytest.mark.parametrize("name", ["causal:{}", "causal:{}:1"])
def test_causal_encoders_load_by_name_without_the_blocks_that_nobody_reads(tmp_path, name):
    folder = tmp_path / "base"
    model, spelled = llama(), tokenizer("right")
    model.save_pretrained(folder)
    spelled.save_pretrained(folder)
    whole = name == "causal:{}"
    expected = CausalEncoder(model, spelled, name="tiny", mean_after=None if whole else 1)
    loaded = load_encoder(name.format(folder))
    assert loaded.name == name.format(folder) and loaded.dim == 16
    torch.testing.assert_close(loaded.encode(TEXTS), expected.encode(TEXTS), atol=1e-5, rtol=1e-5)
    assert len(loaded._model.model.layers) == 2  # one more than is read: the last is normalised


@pytest.mark.parametrize("name", ["causal:", "causal:smollm2:eight", "causal:smollm2:-1"])
def test_a_causal_name_that_means_nothing_is_refused(name):
    with pytest.raises(EncoderError, match="causal:MODEL:BLOCKS"):
        load_encoder(name)
