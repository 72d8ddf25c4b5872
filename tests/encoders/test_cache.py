"""The embedding cache: nothing is embedded twice, nothing of another encoder is served."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from t2l_fast.encoders import CachedEncoder, TextEncoder
from t2l_fast.encoders.base import prepare_all, refuse_long
from t2l_fast.encoders.sqlite import EmbeddingFile
from t2l_fast.errors import EncoderError

ROOT = Path(__file__).parents[2]


class Counting:
    """Embeds by spelling, and remembers what it was asked for."""

    def __init__(self, name: str = "counting", dim: int = 4, shift: float = 0.0) -> None:
        self.name, self.dim, self.shift = name, dim, shift
        self.calls: list[list[str]] = []

    def encode(self, texts):
        prepared = prepare_all(texts)
        refuse_long(self.name, prepared, [len(text) for text in prepared], 30)
        self.calls.append(prepared)
        values = [
            [sum(map(ord, text)) + i + self.shift for i in range(self.dim)] for text in prepared
        ]
        return torch.tensor(values)


@pytest.fixture(params=["memory", "file"])
def path(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "deep" / "cache.sqlite"


def test_only_missing_texts_are_embedded_in_one_batch_and_once_each(path):
    inner = Counting()
    cached = CachedEncoder(inner, path)
    assert isinstance(cached, TextEncoder) and (cached.name, cached.dim) == ("counting", 4)
    cached.encode(["a", "b"])
    rows = cached.encode(["c", "b", "d", "c", "a"])
    assert inner.calls == [["a.", "b."], ["c.", "d."]]
    assert torch.equal(rows, Counting().encode(["c", "b", "d", "c", "a"]))


def test_texts_equal_once_prepared_count_as_one(path):
    inner = Counting()
    rows = CachedEncoder(inner, path).encode([" add ", "add.", "add"])
    assert inner.calls == [["add."]]
    assert torch.equal(rows, Counting().encode(["add"] * 3))


def test_no_texts_ask_for_nothing(path):
    inner = Counting()
    assert CachedEncoder(inner, path).encode([]).shape == (0, 4) and inner.calls == []


def test_writing_into_a_result_does_not_reach_the_cache(path):
    cached = CachedEncoder(Counting(), path)
    first = cached.encode(["a"])
    kept = first.clone()
    first.zero_()
    cached.encode(["a"]).zero_()
    assert torch.equal(cached.encode(["a"]), kept)


def test_rows_kept_in_inference_mode_can_be_trained_with_later(path):
    cached = CachedEncoder(Counting(), path)
    with torch.inference_mode():
        first = cached.encode(["a"])
    for rows in (first, cached.encode(["a"])):
        weight = torch.ones(4, requires_grad=True)
        (rows * weight).sum().backward()
        assert torch.equal(weight.grad, rows[0])


def test_a_refused_text_is_counted_in_the_callers_list_and_nothing_is_lost(path):
    inner = Counting()
    cached = CachedEncoder(inner, path)
    cached.encode(["a", "b"])
    with pytest.raises(EncoderError, match="text 2 must have at most 30 tokens"):
        cached.encode(["a", "b", "x" * 31, "c"])
    with pytest.raises(EncoderError, match="text 1 must not be empty"):
        cached.encode(["a", ""])
    cached.encode(["a", "b", "c"])
    assert inner.calls == [["a.", "b."], ["c."]]


def test_the_file_outlives_its_encoder_bit_by_bit(tmp_path):
    first = CachedEncoder(Counting(shift=0.1), tmp_path / "c").encode(["a", "b"])
    inner = Counting(shift=0.1)
    assert torch.equal(CachedEncoder(inner, tmp_path / "c").encode(["b", "a"]), first[[1, 0]])
    assert inner.calls == []


def test_one_file_keeps_encoders_apart(tmp_path):
    one, two = Counting("one"), Counting("two", dim=6, shift=100.0)
    CachedEncoder(one, tmp_path / "c").encode(["a"])
    rows = CachedEncoder(two, tmp_path / "c").encode(["a"])
    assert two.calls == [["a."]] and torch.equal(rows, Counting(dim=6, shift=100.0).encode(["a"]))


def test_one_name_with_two_sizes_is_refused(tmp_path):
    CachedEncoder(Counting(dim=4), tmp_path / "c").encode(["a"])
    with pytest.raises(EncoderError, match="must have 6 numbers, got 4"):
        CachedEncoder(Counting(dim=6), tmp_path / "c").encode(["a"])


def test_a_file_that_is_no_cache_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not an SQLite file, but somebody's notes" * 30)
    before = path.read_bytes()
    with pytest.raises(EncoderError, match=r"notes.txt must be a SQLite file .* delete it or name"):
        CachedEncoder(Counting(), path)
    assert path.read_bytes() == before


def test_a_file_damaged_inside_is_refused(tmp_path):
    path = tmp_path / "c"
    CachedEncoder(Counting(), path).encode([f"text {n}" for n in range(300)])
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(EncoderError, match="delete it or name another path"):
        CachedEncoder(Counting(), path).encode(["text 7"])


def test_a_row_of_another_type_is_refused(tmp_path):
    CachedEncoder(Counting(), tmp_path / "c").encode(["a"])
    with sqlite3.connect(tmp_path / "c") as file:
        file.execute("UPDATE embeddings_v1 SET row = 'text'")
    with pytest.raises(EncoderError, match="must have 4 numbers, got str"):
        CachedEncoder(Counting(), tmp_path / "c").encode(["a"])


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="must be a SQLite file"):
        CachedEncoder(Counting(), tmp_path)


def test_threads_share_one_cache(path):
    cached = CachedEncoder(Counting(), path)
    texts = [f"text {n}" for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda start: cached.encode(texts[start:]), range(8)))
    for start, rows in enumerate(results):
        assert torch.equal(rows, Counting().encode(texts[start:]))


@pytest.mark.slow
def test_processes_share_one_file(tmp_path):
    """All open a file that is not there yet, and write to it at once."""
    code = (
        "import sys, torch\n"
        "from t2l_fast.encoders.sqlite import EmbeddingFile\n"
        "file, me = EmbeddingFile(sys.argv[1]), int(sys.argv[2])\n"
        "for n in range(50):\n"
        "    file.write({b'%d-%d' % (me, n): torch.full((4,), 100.0 * me + n)})\n"
        "    file.write({b'shared-%d' % n: torch.full((4,), float(n))})\n"
    )
    path = tmp_path / "c"
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, path, str(me)], env=env, stderr=subprocess.PIPE, text=True
        )
        for me in range(3)
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    assert not any(run.returncode for run in runs), errors
    keys = [b"%d-%d" % (me, n) for me in range(3) for n in range(50)]
    rows = EmbeddingFile(path).read(keys + [b"shared-49"], 4)
    assert len(rows) == 151 and rows[b"2-7"].tolist() == [207.0] * 4
