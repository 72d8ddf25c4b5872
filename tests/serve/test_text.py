"""Text of tokens as they come."""

import pytest
import transformers as tf
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from t2l_fast.serve.engine.text import TextStream


def bytewise() -> tf.PreTrainedTokenizerFast:
    """One token per byte, so that characters arrive in pieces."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)} | {"<eos>": 256}, []))
    made.add_special_tokens(["<eos>"])
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<eos>", clean_up_tokenization_spaces=False
    )


TOKENIZER = bytewise()


PIECES = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
PIECES += ["▁", "▁the", "▁cat", "▁sat", ".", "at"]
ID = {piece: i for i, piece in enumerate(PIECES)}


@pytest.fixture(scope="module")
def sentencepiece() -> tf.PreTrainedTokenizerFast:
    """As Llama 2's and Mistral's: words begin with their space, the first one of a text is none."""
    return tf.LlamaTokenizer(vocab=dict(ID), merges=[])


def read(text: str, stop=()) -> tuple[list[str], bool]:
    stream = TextStream(TOKENIZER, stop)
    pieces = [stream.push(t) for t in TOKENIZER(text).input_ids]
    return [*pieces, stream.flush()], stream.stopped


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30))
def test_pieces_join_to_the_text_and_hold_no_broken_character(text):
    pieces, stopped = read(text)
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces) or "\ufffd" in text
    assert not stopped


@given(st.text("ab€", max_size=20), st.lists(st.text("ab€", min_size=1, max_size=4), max_size=3))
def test_text_ends_before_the_earliest_stop_string(text, stops):
    pieces, stopped = read(text, stops)
    # the first moment at which any of them is complete
    ends = [at + len(s) for s in stops if (at := text.find(s)) >= 0]
    assert stopped == bool(ends)
    if ends:
        seen = text[: min(ends)]
        text = seen[: min(at for s in stops if (at := seen.find(s)) >= 0)]
    assert "".join(pieces) == text


def test_what_may_be_a_stop_string_is_held_back():
    stream = TextStream(TOKENIZER, ["\n\nUser:"])
    ids = TOKENIZER("yes\n\nno\n\nUser: hi").input_ids
    shown = [stream.push(t) for t in ids]
    assert shown[3:7] == ["", "", "\n\nn", "o"]
    assert "".join(shown) == "yes\n\nno"
    assert stream.flush() == ""


def test_a_decoder_that_loses_its_place_begins_anew(monkeypatch):
    from t2l_fast.serve.engine import text

    class Losing:
        def __init__(self, **options) -> None:
            self.decoder, self.steps = text_decoder(**options), 0

        def step(self, backend, token):
            self.steps += 1
            if self.steps == 3:
                raise Exception("Invalid prefix encountered while decoding stream")
            return self.decoder.step(backend, token)

    text_decoder = text.DecodeStream
    monkeypatch.setattr(text, "DecodeStream", Losing)
    assert read("hello")[0] == [*"hello", ""]


@pytest.mark.parametrize("stop", [(), ("x",)], ids=["free", "with stops"])
def test_special_tokens_are_not_text(stop):
    stream = TextStream(TOKENIZER, stop)
    a, b = TOKENIZER("ab").input_ids
    assert [stream.push(t) for t in (a, 256, b)] == ["a", "", "b"]


@pytest.mark.parametrize(
    "prompt",
    [["<s>", "▁the", "▁cat"], ["<s>"], [], ["▁the"] * 20, ["▁"], ["<s>", "▁the", "</s>"]],
    ids=["words", "begin", "empty", "long", "space", "a turn"],
)
@pytest.mark.parametrize("answer", [["▁sat", "."], ["at", "▁cat"], ["<0xE2>", "<0x82>", "<0xAC>"]])
def test_prompt_and_text_are_what_the_tokens_say(sentencepiece, prompt, answer):
    before, new = [ID[p] for p in prompt], [ID[p] for p in answer]
    stream = TextStream(sentencepiece, prompt=before)
    text = "".join(map(stream.push, new)) + stream.flush()
    whole = [sentencepiece.decode(ids, skip_special_tokens=True) for ids in (before, before + new)]
    assert whole[0] + text == whole[1]


def test_a_stop_string_may_be_the_space_that_continues_the_prompt(sentencepiece):
    stream = TextStream(sentencepiece, [" sat"], prompt=[ID["▁the"], ID["▁cat"]])
    assert [stream.push(ID[p]) for p in ("▁sat", ".")] == ["", ""]
    assert stream.stopped


def test_a_prompt_that_ends_inside_a_character_loses_no_text(sentencepiece):
    stream = TextStream(sentencepiece, prompt=[ID["▁the"], ID["<0xE2>"]])
    assert "".join(stream.push(ID[p]) for p in ("▁sat", ".")).strip() == "sat."


@pytest.mark.parametrize(
    ("stop", "text"), [("</s>", " sat."), ("</s> sat", " sat."), ("<s>", " sat. sat")]
)
def test_stop_strings_name_special_tokens(sentencepiece, stop, text):
    stream = TextStream(sentencepiece, [stop], prompt=[ID["▁the"]])
    pieces = [stream.push(ID[p]) for p in ("▁sat", ".", "</s>", "▁sat")]
    assert "".join([*pieces, stream.flush()]) == text
    assert stream.stopped == (stop != "<s>")
