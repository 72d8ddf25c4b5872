"""Whether a saved run and this one have the same settings and tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from t2l_fast.errors import CheckpointError
from t2l_fast.train.run.fingerprint import LISTS_OF_NAMES, flat


def check_same(
    saved: Mapping[str, Any],
    run: Mapping[str, Any],
    path: Path,
    *,
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Check that a file's record of its run is this run's.

    Args:
        saved: the record in the file, plain data; it may be nested.
        run: this run's settings, of the same shape.
        path: of the file, for the message.
        defaults: values that count where the file has no entry.

    Raises:
        CheckpointError: it is not; the message names every setting that differs.
    """
    now, usual, saved = (json.loads(json.dumps(dict(p))) for p in (run, defaults or {}, saved))
    here, usual, saved = flat(now), flat(usual), flat(saved)
    there = {name: usual[name] for name in usual.keys() & here.keys()} | dict(saved)
    differing = {k for k in there.keys() | here.keys() if there.get(k) != here.get(k)}
    if "task_names" in differing:
        differing -= {"tasks", "oracles.tasks"}  # digests, which say no more
    if differing:
        listed = "; ".join(_difference(k, there.get(k), here.get(k)) for k in sorted(differing))
        raise CheckpointError(
            f"{path} belongs to another run ({listed}): resume with the same settings and tasks, "
            "or start in another folder"
        )


def _difference(name: str, there: Any, here: Any) -> str:
    last = name.rpartition(".")[-1]
    if last == "tasks":
        return "other texts or examples of tasks"
    if last in LISTS_OF_NAMES and there and here:
        lost, new = ([x for x in a if x not in set(b)] for a, b in ((there, here), (here, there)))
        changes = [f"{what} {_some(n)}" for what, n in (("without", lost), ("with", new)) if n]
        return f"{name}: now {' and '.join(changes) or 'in another order'}"
    return f"{name}: {there!r} there, {here!r} now"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(map(repr, names[:3])) + more
