"""Every command and flag of commit 783da31 still exists."""

import json
from pathlib import Path

import typer.main

from t2l_fast.cli import app

BEFORE = json.loads((Path(__file__).parent / "fixtures/flags_783da31.json").read_text())


def flags(command, path: tuple[str, ...] = ("t2l",)) -> dict[str, set[str]]:
    """Option strings by command."""
    strings = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
    below = getattr(command, "commands", {})
    found = {" ".join(path): {o for o in strings if o.startswith("-")}}
    for name, child in below.items():
        found |= flags(child, (*path, name))
    return found


def test_every_flag_still_works():
    now = flags(typer.main.get_command(app))
    missing = {
        name: sorted({*before} - now.get(name, set()))
        for name, before in BEFORE.items()
        if name not in now or {*before} - now[name]
    }
    assert missing == {}
