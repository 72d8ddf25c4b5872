"""Rows of a data set: of the Hugging Face hub, or of local files of the same form."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2l_fast.errors import TaskError
from t2l_fast.quiet import quiet_datasets

if TYPE_CHECKING:
    from datasets import Dataset

_KINDS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def read_rows(
    source: Mapping[str, Any], *, root: Path | None = None, limit: int | None = None, seed: str = ""
) -> list[dict[str, Any]]:
    """Load the rows that a task folder's `ds_kwargs` name.

    Args:
        source: what `datasets.load_dataset` is given, "path" and "split" among it.
        root: a folder of local data sets; None = the hub, or what `datasets` cached of it.
        limit: so many rows, drawn with `seed`; a higher limit only adds to them.

    Raises:
        TaskError: the data set can't be reached or read, or `datasets` is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise TaskError(
            "Text-to-LoRA's task folders need the package datasets, which is not installed: "
            'pip install "t2l_fast[train]"'
        ) from error
    # datasets ≥ 4 runs no code of a data set's, and says so when it sees this word
    options = {key: value for key, value in source.items() if key != "trust_remote_code"}
    try:
        with quiet_datasets():
            if root is None:
                rows = datasets.load_dataset(**options)
            else:
                rows = _local(root, options["path"], options.get("name"), options["split"])
    except TaskError:
        raise
    # whatever datasets, fsspec, pyarrow and the hub's client raise: of very many data sets one
    # that can't be had must not end a run
    except Exception as error:
        reason = " ".join(str(error).split())
        raise TaskError(f"{source['path']} can't be loaded: {reason}") from error
    if limit is not None and len(rows) > limit:
        order = list(range(len(rows)))
        random.Random(seed).shuffle(order)
        rows = rows.select(sorted(order[:limit]))
    return rows.to_list()


def _local(root: Path, path: str, name: str | None, split: str) -> Dataset:
    """`root/<path>` or `root/<its last part>`: a folder, saved to disk or of files, or one file."""
    from datasets import load_dataset

    short = path.rsplit("/", 1)[-1]
    for base in dict.fromkeys((root / path, root / short)):
        for suffix, kind in _KINDS.items():
            file = base.with_name(base.name + suffix)
            if file.is_file():
                files = {_split_name(split): str(file.resolve())}
                return load_dataset(kind, data_files=files, split=split)
        if base.is_dir():
            return _folder(base.resolve(), name, split)
    kinds = ", ".join(_KINDS)
    raise TaskError(f"{path} must be a folder or file ({kinds}) called {short} in {root}, got none")


def _folder(base: Path, name: str | None, split: str) -> Dataset:
    from datasets import load_dataset

    if name is not None and (base / name).is_dir():
        base, name = base / name, None
    if any((base / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
        return _saved(base, split)
    # configurations are named in a data set's card alone
    named = name if (base / "README.md").is_file() else None
    return load_dataset(str(base), named, split=split)


def _saved(base: Path, split: str) -> Dataset:
    """What `save_to_disk` wrote, cut as the split says."""
    from datasets import Dataset, ReadInstruction, load_from_disk

    loaded = load_from_disk(str(base))
    parts = {_split_name(split): loaded} if isinstance(loaded, Dataset) else dict(loaded)
    lengths = {part: len(rows) for part, rows in parts.items()}
    (cut,) = ReadInstruction.from_spec(split).to_absolute(lengths)
    rows = parts[cut.splitname]
    return rows.select(range(cut.from_ or 0, len(rows) if cut.to is None else cut.to))


def _split_name(split: str) -> str:
    """ "train" of "train[:10%]"."""
    match = re.match(r"\w+", split)
    if match is None:
        raise TaskError(f"a split must begin with its name, got {split!r}")
    return match[0]
