"""Read the suite's content: TOML as dataclasses, CSV as rows, both checked."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from t2l_fast.errors import TaskError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

T = TypeVar("T")


def read_toml(path: Path, shape: type[T], keys: Iterable[str] | None = None) -> T:
    """Return the content of a TOML file in the given shape; nothing in it may be empty.

    Args:
        path: the file.
        shape: `str`, `int`, a `Literal` of texts, `tuple[T, ...]`, `tuple[T, U]`, `dict[str, T]`,
            or a dataclass of these, whose fields with a default may be left out.
        keys: the top-level keys that must be there, and no others; None allows any.

    Raises:
        TaskError: a key is missing, unknown, empty or of another type, or the TOML is broken.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{path}: expected TOML, but: {error}; correct that line") from error
    if keys is not None:
        _check_keys(str(path), content, dict.fromkeys(keys, True))
    return _convert(str(path), content, shape)


def read_csv(
    path: Path, *columns: str, key: int = 1, optional: Collection[str] = ()
) -> list[tuple[str, ...]]:
    """Return the rows of a CSV file below its header, one text per column.

    Args:
        path: the file.
        columns: what the header must be.
        key: number of leading columns that identify a row; no two rows share them.
        optional: columns whose cells may be empty.

    Raises:
        TaskError: the header differs, or a row has another number of cells, an empty cell, or the
            key of an earlier row.
    """
    rows: dict[tuple[str, ...], tuple[str, ...]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        if (header := next(lines, [])) != [*columns]:
            names = f"expected the header {','.join(columns)}, got {','.join(header) or 'nothing'}"
            raise TaskError(f"{path}, line 1: {names}; correct it")
        for row in lines:
            where = f"{path}, line {lines.line_num}"
            if len(row) != len(columns):
                names = f"{len(columns)} cells ({', '.join(columns)})"
                raise TaskError(f"{where}: expected {names}, got {len(row)}; quote inner commas")
            for column, cell in zip(columns, row, strict=True):
                if not cell and column not in optional:
                    raise TaskError(f"{where}: expected a {column}, got nothing; fill the cell")
            if (name := tuple(row[:key])) in rows:
                names = f"expected a new {', '.join(columns[:key])}, got {', '.join(name)} again"
                raise TaskError(f"{where}: {names}; remove one of the rows")
            rows[name] = tuple(row)
    if not rows:
        raise TaskError(f"{path}, line 2: expected a row below the header, got none; add one")
    return [*rows.values()]


def _convert(where: str, value: Any, shape: Any) -> Any:
    kind, parts = get_origin(shape) or shape, get_args(shape)
    if kind is Literal:
        if value not in parts:
            choices = ", ".join(filter(None, parts))
            raise TaskError(f"{where}: expected one of {choices}, got {value}; write one of them")
        return value
    is_record = is_dataclass(kind)
    toml = dict if is_record else list if kind is tuple else kind
    if type(value) is not toml:
        got = type(value).__name__
        raise TaskError(f"{where}: expected a {toml.__name__}, got a {got}; write it as the former")
    if value in ("", [], {}):
        raise TaskError(f"{where}: expected some content, got nothing; fill it or remove the key")
    if is_record:
        required = (f.default is MISSING and f.default_factory is MISSING for f in fields(shape))
        _check_keys(where, value, dict(zip((f.name for f in fields(shape)), required, strict=True)))
        hints = get_type_hints(shape)
        return shape(**{k: _convert(f"{where}, {k}", v, hints[k]) for k, v in value.items()})
    if kind is dict:
        return {k: _convert(f"{where}, {k}", v, parts[1]) for k, v in value.items()}
    if kind is tuple:
        if parts[-1] is not ... and len(parts) != len(value):
            sizes = f"expected {len(parts)} entries, got {len(value)}"
            raise TaskError(f"{where}: {sizes}; add or remove some")
        shapes = parts if parts[-1] is not ... else parts[:1] * len(value)
        pairs = zip(value, shapes, strict=True)
        return tuple(_convert(f"{where}[{i}]", v, s) for i, (v, s) in enumerate(pairs))
    return value


def _check_keys(where: str, value: Collection[str], known: dict[str, bool]) -> None:
    """Raise unless each required key of `{key: required}` is there and no unknown one."""
    for key, required in known.items():
        if required and key not in value:
            raise TaskError(f"{where}: expected the key {key}, which is missing; add it")
    for key in value:
        if key not in known:
            names = ", ".join(known)
            raise TaskError(f"{where}: unknown key {key}; remove it, or write one of {names}")
