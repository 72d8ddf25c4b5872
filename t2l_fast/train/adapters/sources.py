"""read_source: the rows of a job's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2l_fast.errors import MissingPackage, TaskError
from t2l_fast.tasks.sources import read_rows
from t2l_fast.train.adapters.job import Source

FILES = (".jsonl", ".json", ".parquet")


def read_source(source: Source) -> list[Mapping[str, Any]]:
    """Read all rows of a file, a folder, a data set of the hub, or a list.

    Args:
        source: as `Job.data` has it.

    Raises:
        TaskError: there is nothing to read, or it is damaged.
        MissingPackage: a Parquet file needs pyarrow, which is not installed.
    """
    if isinstance(source, Mapping):
        if "path" not in source:
            raise TaskError(f"data must have 'path', got only {', '.join(source) or 'no keys'}")
        options = {"split": "train", **source}
        if set(source) == {"path"}:
            return read_source(str(source["path"]))
        return list(_loaded(options))
    if not isinstance(source, (str, Path)):
        return [dict(row) for row in source]
    path = Path(source)
    if path.suffix in FILES:
        return _file(path)
    return list(_loaded({"path": str(source), "split": "train"}))


def _loaded(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    path = Path(str(options["path"]))
    if path.is_dir():
        local = {"path": path.name, "name": options.get("name"), "split": options["split"]}
        return read_rows(local, root=path.resolve().parent)
    return read_rows(options)


def _file(path: Path) -> list[Mapping[str, Any]]:
    try:
        if path.suffix == ".parquet":
            return _parquet(path)
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise TaskError(f"{path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} must be UTF-8, got {error.reason} at {error.start}") from error
    if path.suffix == ".json":
        rows = _json(text, str(path))
        if not isinstance(rows, list):
            raise TaskError(f"{path} must hold a list of rows, got a {type(rows).__name__}")
    else:
        lines = enumerate(text.splitlines(), 1)
        rows = [_json(line, f"{path}, line {n}") for n, line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise TaskError(f"{path}, row {number} must be an object, got {type(row).__name__}")
    return rows


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{place} must be JSON: {error}") from error


def _parquet(path: Path) -> list[Mapping[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ModuleNotFoundError as error:
        raise MissingPackage(
            'a Parquet file needs the package pyarrow: pip install "t2l_fast[tasks]"'
        ) from error
    try:
        return parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        raise TaskError(f"{path} must be a Parquet file: {str(error).splitlines()[0]}") from error
