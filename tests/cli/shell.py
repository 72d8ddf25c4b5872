"""`t2l …` as a shell runs it."""

import sys

import pytest

from t2l_fast import cli


def run(monkeypatch, *arguments: object) -> int:
    """`t2l …` as the shell runs it; its exit code."""
    monkeypatch.setattr(sys, "argv", ["t2l", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code or 0
