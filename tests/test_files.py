"""Files of a folder are replaced together, or stay as they were."""

import os

import pytest

from t2l_fast import files
from t2l_fast.files import replace_files, sweep


def held(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_appear_with_their_folder_and_nothing_else(tmp_path):
    replace_files(tmp_path / "new" / "er", {"a": b"1", "b": b"2"})
    assert held(tmp_path / "new" / "er") == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
@pytest.mark.parametrize("failing", range(3))
def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch, names, failing):
    """`c` is a file that was not there before."""
    before = {"a": b"old", "b": b"older", "other": b"same"}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    real, calls = os.replace, []

    def fails(source, target):
        calls.append(target)
        if len(calls) == failing + 1:
            raise OSError("no space left")
        real(source, target)

    monkeypatch.setattr(files.os, "replace", fails)
    new = {name: b"new" for name in names}
    if failing < len(names):
        with pytest.raises(OSError, match="no space"):
            replace_files(tmp_path, new)
        assert held(tmp_path) == before
    else:
        replace_files(tmp_path, new)
        assert held(tmp_path) == before | new


def test_a_single_file_is_not_copied_first(tmp_path, monkeypatch):
    """Checkpoints are gigabytes."""
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(files.shutil, "copyfile", lambda *_: pytest.fail("copied"))
    replace_files(tmp_path, {"a": b"new"})
    assert held(tmp_path) == {"a": b"new"}


def test_sweeping_removes_what_a_kill_left_of_these_files_alone(tmp_path):
    for name in ("a", ".a.1-f.new", ".a.1-f.old", ".b.1-f.new"):
        (tmp_path / name).write_bytes(b"")
    sweep(tmp_path, ["a"])
    assert {*held(tmp_path)} == {"a", ".b.1-f.new"}
