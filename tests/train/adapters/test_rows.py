"""Rows of every form become tokens of which the right ones are learned."""

import json

import pytest

from t2l_fast.errors import ConfigError, MissingPackage, TaskError
from t2l_fast.train.adapters.data import read_data
from t2l_fast.train.adapters.rows import pieces_of
from t2l_fast.train.adapters.sources import read_source
from t2l_fast.train.adapters.tokens import Rows, encode
from t2l_fast.train.data.batches import IGNORED
from t2l_fast.train.data.packing import collate, pack

TURNS = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yo"},
    {"role": "user", "content": "bye"},
    {"role": "assistant", "content": "so long"},
]
FORGETS = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content if loop.last or m.role == 'user' else '' }}"
    "\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def tokenizer(tiny, multi):
    made = tiny.tokenizer()
    made.chat_template = multi.CHAT
    return made


def learned(row, tokenizer, learn="answers") -> str:
    """What is learned of a row, a "|" between stretches, the end of sequence as "$"."""
    ((ids, marks),) = encode([pieces_of(row, tokenizer, learn)], tokenizer)
    text, before = "", True
    for token, mark in zip(ids, marks, strict=True):
        if mark:
            text += "" if before or not text else "|"
            text += "$" if token == tokenizer.eos_token_id else tokenizer.decode(token)
        before = mark
    return text


@pytest.mark.parametrize(
    ("row", "learn", "expected"),
    [
        ({"prompt": "ab", "completion": "cd"}, "answers", "cd$"),
        ({"prompt": "ab", "completion": "cd"}, "last", "cd$"),
        ({"prompt": "ab", "completion": "cd"}, "all", "abcd$"),
        ({"prompt": "", "completion": "cd"}, "answers", "cd$"),
        ({"text": "abc"}, "answers", "abc$"),
        ({"messages": TURNS}, "answers", "yo\n|so long\n"),
        ({"messages": TURNS}, "last", "so long\n"),
        ({"messages": TURNS[:1] + TURNS[1:2]}, "answers", "yo\n"),
        ({"messages": TURNS[:3]}, "answers", "yo\n"),
        ({"prompt": TURNS[:3], "completion": TURNS[3:]}, "answers", "so long\n"),
        ({"messages": TURNS[:2]}, "all", "<user>hi\n<assistant>yo\n"),
    ],
)
def test_the_right_tokens_are_learned(tokenizer, row, learn, expected):
    assert learned(row, tokenizer, learn) == expected


def test_a_template_that_forgets_says_what_to_do(tokenizer):
    tokenizer.chat_template = FORGETS
    with pytest.raises(ConfigError, match="answer of turn 2 has no fixed place: set learn: last"):
        learned({"messages": TURNS}, tokenizer)
    assert learned({"messages": TURNS}, tokenizer, "last") == "so long\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "a"}, r"or text, got \['question'\]"),
        ({"prompt": "a", "completion": None}, r"got \['prompt'\]"),
        ({"prompt": "a", "completion": ""}, "completion must be a text, got an empty one"),
        ({"prompt": 3, "completion": "a"}, "prompt must be a list of messages, got int"),
        ({"messages": "hi"}, "messages must be a list of messages, got str"),
        ({"messages": [{"role": "user"}]}, "message 1 must be an object with role and content"),
        ({"messages": TURNS[:1]}, "must have an assistant turn"),
    ],
)
def test_a_row_of_another_form_is_refused(tokenizer, row, message):
    with pytest.raises(TaskError, match=message):
        learned(row, tokenizer)


def merging_tokenizer():
    """Bytes-level BPE that has "ab" as one token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {t: i for i, t in enumerate(["<eos>", "a", "b", "c", "ab"])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "b")]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<eos>", pad_token="<eos>")


def test_a_token_over_the_edge_of_an_answer_is_cut_there():
    """The model that answers "ca" sees the token "a" and begins with "b", not inside "ab"."""
    tokenizer = merging_tokenizer()
    (whole,) = encode([([("c", False), ("ab", True)], True)], tokenizer)
    assert whole == ([3, 4, 0], [False, True, True])
    (cut,) = encode([([("ca", False), ("b", True)], True)], tokenizer)
    assert cut == ([3, 1, 2, 0], [False, False, True, True])


def test_rows_are_cut_at_their_end_and_empty_ones_dropped(multi, tokenizer):
    texts = [{"prompt": "a" * n, "completion": "bcd"} for n in (1, 4, 40)]
    data = read_data(multi.job("a", data=texts, max_length=6), tokenizer)
    assert [len(data.train.row(i, 0).ids) for i in range(2)] == [6, 6] and data.dropped == 1
    assert tokenizer.decode(data.train.row(1, 0).ids[-1]) == "b"


def test_the_share_that_is_held_out_is_drawn_with_the_seed(multi, tokenizer):
    def held_out(seed):
        data = read_data(multi.job("a", held_out=0.25, seed=seed), tokenizer)
        assert (len(data.train), len(data.held_out)) == (9, 3)
        return [data.held_out.row(i, 0).ids for i in range(3)]

    assert held_out(1) == held_out(1) != held_out(2)


def test_marks_become_labels():
    rows = Rows()
    rows.add([1, 5, 6, 7], [False, False, True, True])
    rows.add([1, 8, 9], [True, True, False])
    found = [rows.row(i, slot=i) for i in range(2)]
    assert collate(found, 0).labels.tolist() == [
        [IGNORED, 6, 7, IGNORED],
        [8, IGNORED, IGNORED, IGNORED],
    ]
    assert pack(found).labels.tolist() == [
        [IGNORED, 6, 7, IGNORED, 8, IGNORED, IGNORED],
    ]
    assert len({rows.digest(), Rows().digest()}) == 2


ROWS = [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]


def written(folder, kind: str):
    path = folder / f"rows.{kind}"
    if kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    elif kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
        import pyarrow

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    else:
        datasets = pytest.importorskip("datasets", reason="needs datasets")
        path = folder / "saved"
        datasets.Dataset.from_list(ROWS).save_to_disk(str(path))
    return path


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "folder"])
def test_rows_are_read_from_files_and_folders(tmp_path, kind):
    path = written(tmp_path, kind)
    assert [dict(row) for row in read_source(str(path))] == ROWS
    assert [dict(row) for row in read_source({"path": str(path)})] == ROWS


def test_a_part_of_a_folder_is_read(tmp_path):
    path = written(tmp_path, "folder")
    assert read_source({"path": str(path), "split": "train[1:]"}) == ROWS[1:]
    assert read_source(ROWS) == ROWS


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"a": 1}\n{"a"', "a.jsonl, line 2 must be JSON"),
        ("a.jsonl", "[1]", "row 1 must be an object, got list"),
        ("a.json", '{"a": 1}', "must hold a list of rows, got a dict"),
        ("a.parquet", "no", "must be a Parquet file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises((TaskError, MissingPackage), match=message):
        read_source(tmp_path / name)


def test_data_need_a_path():
    with pytest.raises(TaskError, match="data must have 'path', got only name"):
        read_source({"name": "a"})
