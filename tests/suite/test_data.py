"""The reader of the suite's content: what it returns, and what it says of damaged files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pytest

from benchmarks.suite.data import read_csv, read_toml
from t2l_fast.errors import TaskError


@dataclass(frozen=True)
class Record:
    name: str
    texts: tuple[str, ...]
    count: int = 1


def write(tmp_path, text, name="words.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_becomes_records_in_the_order_of_the_file(tmp_path):
    path = write(
        tmp_path, '[b]\nname = "x"\ntexts = ["é"]\n[a]\nname = "y"\ntexts = ["1", "2"]\ncount = 3'
    )
    records = read_toml(path, dict[str, Record])
    assert list(records.items()) == [
        ("b", Record("x", ("é",))),
        ("a", Record("y", ("1", "2"), 3)),
    ]


def test_toml_pairs_have_two_entries_each(tmp_path):
    path = write(tmp_path, 'pairs = [["a", "b"], ["c", "d"]]')
    shape = dict[str, tuple[tuple[str, str], ...]]
    assert read_toml(path, shape) == {"pairs": (("a", "b"), ("c", "d"))}


RECORD = "name = 'x'\ntexts = ['y']\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[a]\nname = 'x'", ", a: expected the key texts", id="missing-key"),
        pytest.param(f"[a]\n{RECORD}text = 'z'", ", a: unknown key text", id="unknown-key"),
        pytest.param("[a]\nname = ''\ntexts = ['y']", ", a, name: expected some", id="empty-text"),
        pytest.param("[a]\nname = 'x'\ntexts = []", ", a, texts: expected some", id="empty-list"),
        pytest.param(
            "[a]\nname = 'x'\ntexts = ['y', '']", ", a, texts[1]: expected some", id="empty-entry"
        ),
        pytest.param(
            "[a]\nname = 'x'\ntexts = 'y'", "expected a list, got a str", id="text-for-list"
        ),
        pytest.param(
            "[a]\nname = 1\ntexts = ['y']", "expected a str, got a int", id="number-for-text"
        ),
        pytest.param("a = 'x'", ", a: expected a dict, got a str", id="text-for-table"),
        pytest.param("", ": expected some content", id="empty-file"),
        pytest.param(f"[a]\n{RECORD}[a]\n{RECORD}", "expected TOML", id="key-twice"),
    ],
)
def test_damaged_toml_is_named_with_its_key_and_the_remedy(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(TaskError, match=re.escape(message)) as error:
        read_toml(path, dict[str, Record])
    assert str(path) in str(error.value)
    assert re.search("; (add|remove|fill|write|correct)", str(error.value))


@pytest.mark.parametrize(
    ("keys", "message"), [(["a", "b"], "expected the key b"), ([], "unknown key a")]
)
def test_top_level_keys_must_be_those_that_the_code_knows(tmp_path, keys, message):
    with pytest.raises(TaskError, match=message):
        read_toml(write(tmp_path, "a = 'x'"), dict[str, str], keys=keys)


def test_a_pair_with_three_entries_is_refused(tmp_path):
    with pytest.raises(TaskError, match="a: expected 2 entries, got 3"):
        read_toml(write(tmp_path, "a = ['x', 'y', 'z']"), dict[str, tuple[str, str]])


def test_a_text_outside_a_closed_set_is_refused(tmp_path):
    with pytest.raises(TaskError, match="a: expected one of upper, lower, got Upper"):
        read_toml(write(tmp_path, "a = 'Upper'"), dict[str, Literal["", "upper", "lower"]])


def test_csv_gives_the_rows_below_its_header(tmp_path):
    path = write(tmp_path, 'word,related\nhot,cold\n"a, b",\n', "pairs.csv")
    rows = read_csv(path, "word", "related", optional=["related"])
    assert rows == [("hot", "cold"), ("a, b", "")]


def test_csv_rows_may_share_a_part_of_their_key(tmp_path):
    path = write(tmp_path, "group,word\na,x\na,y\n", "pairs.csv")
    assert read_csv(path, "group", "word", key=2) == [("a", "x"), ("a", "y")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "line 1: expected the header word,related", id="empty-file"),
        pytest.param("word\nhot", "line 1: expected the header word,related", id="header"),
        pytest.param("word,related\n", "line 2: expected a row", id="no-rows"),
        pytest.param("word,related\nhot,cold,x", "line 2: expected 2 cells", id="more-cells"),
        pytest.param("word,related\na,b\nhot", "line 3: expected 2 cells", id="fewer-cells"),
        pytest.param("word,related\na,b\n\nc,d", "line 3: expected 2 cells", id="blank-line"),
        pytest.param("word,related\nhot,", "line 2: expected a related", id="empty-cell"),
        pytest.param("word,related\na,b\na,c", "line 3: expected a new word", id="key-twice"),
    ],
)
def test_damaged_csv_is_named_with_its_line_and_the_remedy(tmp_path, text, message):
    path = write(tmp_path, text, "pairs.csv")
    with pytest.raises(TaskError, match=message) as error:
        read_csv(path, "word", "related")
    assert str(path) in str(error.value)
    assert re.search("; (add|remove|fill|quote|correct)", str(error.value))
