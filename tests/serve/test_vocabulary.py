"""Bytes and text of single tokens."""

import pytest
import transformers as tf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from t2l_fast.serve.engine.vocabulary import Vocabulary

CHARS = sorted(pre_tokenizers.ByteLevel.alphabet())


@pytest.fixture(scope="module")
def bytewise():
    backend = Tokenizer(models.BPE({c: i for i, c in enumerate([*CHARS, "<eos>"])}, []))
    backend.add_special_tokens(["<eos>"])
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return tf.PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>")


@pytest.fixture(scope="module")
def sentencepiece():
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), "▁", "▁the", "é"]
    return tf.LlamaTokenizer(vocab={p: i for i, p in enumerate(pieces)}, merges=[])


@pytest.mark.parametrize("text", ["a😊.", "é\n\t €", "\x00\x7f\xad"])
def test_bytes_of_a_text_join_to_it(bytewise, text):
    vocabulary = Vocabulary(bytewise)
    ids = bytewise(text).input_ids
    assert b"".join(map(vocabulary.bytes_of, ids)) == text.encode()


def test_every_byte_has_its_token(bytewise):
    vocabulary = Vocabulary(bytewise)
    assert {vocabulary.bytes_of(i) for i in range(256)} == {bytes([b]) for b in range(256)}


def test_parts_of_characters_have_texts_of_their_own(bytewise):
    vocabulary = Vocabulary(bytewise)
    texts = [vocabulary.text_of(i) for i in range(256)]
    assert len(set(texts)) == 256
    assert not any("\ufffd" in text for text in texts)
    assert [vocabulary.text_of(i) for i in bytewise("é").input_ids] == [
        "bytes:\\xc3",
        "bytes:\\xa9",
    ]


def test_byte_fallback_and_word_starts(sentencepiece):
    vocabulary = Vocabulary(sentencepiece)
    ids = sentencepiece.convert_tokens_to_ids(["▁the", "é", "<0xE2>", "<0x41>", "</s>"])
    expected = [b" the", "é".encode(), b"\xe2", b"A", b"</s>"]
    assert list(map(vocabulary.bytes_of, ids)) == expected
    assert [vocabulary.is_special(i) for i in ids] == [False] * 4 + [True]


def test_a_row_beyond_the_vocabulary_has_no_bytes(bytewise):
    assert Vocabulary(bytewise).bytes_of(10_000) == b""
