"""StoreFile: registered adapters in a SQLite file; what was acknowledged survives a kill."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import torch
from torch import Tensor

from t2l_fast.adapters.bank.blob import pack, unpack
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS generators (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL,
    UNIQUE (fingerprint, dtype, shape)
);
CREATE TABLE IF NOT EXISTS adapters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
    generator INTEGER REFERENCES generators, code BLOB, weights BLOB,
    CHECK ((code IS NULL) != (weights IS NULL) AND (code IS NULL) = (generator IS NULL))
);
"""
_VERSION = 1
_BROKEN = (sqlite3.Error, OSError, ValueError, TypeError, safetensors.SafetensorError)
_BATCH = 4096


@dataclass(frozen=True)
class Group:
    """Codes as they come from the file: of one generator, dtype and shape."""

    ids: list[AdapterId]
    fingerprint: str
    codes: Tensor


class StoreFile:
    """Every method is one transaction: all of it is on disk when it returns, or nothing.

    A killed process loses nothing that was acknowledged. Power loss neither, where the disk keeps
    what it was asked to flush (SQLite's WAL with synchronous=FULL). One process at a time: the file
    is locked while it is open. Not thread-safe; the bank's lock serialises calls.

    Args:
        path: created if it is not there, with its folder.

    Raises:
        StoreError: no store, of a newer version, damaged, or open in another process.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._reported("opened"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._reported("opened"):
            self._file.isolation_level = None  # transactions are ours
            self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
            (version,) = self._file.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise StoreError(
                f"the store {self.path} must be of version {_VERSION}, got {version}: update "
                "t2l_fast, or name another file"
            )
        with self._reported("opened"):
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=FULL")
            self._file.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;"
            )

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        self._file.close()

    @property
    def next_number(self) -> int:
        """Return the smallest number that no adapter ever had."""
        with self._reported("read"):
            row = self._file.execute("SELECT seq FROM sqlite_sequence WHERE name='adapters'")
            return ((row.fetchone() or (-1,))[0]) + 1

    def groups(self) -> Iterator[Group]:
        """Yield all codes, some thousands at a time.

        Raises:
            StoreError: the file is damaged.
        """
        with self._reported("read"):
            for key, fingerprint, dtype, shape in self._file.execute(
                "SELECT id, fingerprint, dtype, shape FROM generators"
            ).fetchall():
                cursor = self._file.execute(
                    "SELECT id, name, code FROM adapters WHERE generator = ? ORDER BY id", (key,)
                )
                kind, sizes = np.dtype(dtype), json.loads(shape)
                while rows := cursor.fetchmany(_BATCH):
                    flat = np.frombuffer(bytearray(b"".join(r[2] for r in rows)), kind)
                    codes = torch.from_numpy(flat).view(len(rows), *sizes)
                    yield Group([_id(*r[:2]) for r in rows], fingerprint, codes)

    def weights_ids(self) -> list[AdapterId]:
        """Return the ids of adapters that are stored as weights."""
        with self._reported("read"):
            rows = self._file.execute("SELECT id, name FROM adapters WHERE weights IS NOT NULL")
            return [_id(*row) for row in rows]

    def weights(self, adapter: AdapterId) -> LoraWeights:
        """Return the weights of one adapter.

        Raises:
            StoreError: the file is damaged.
        """
        with self._reported("read"):
            (blob,) = self._file.execute(
                f"SELECT weights FROM adapters WHERE {_where(adapter)}", (adapter,)
            ).fetchone()
            return unpack(blob)

    def add_codes(
        self, ids: Sequence[AdapterId], first: int, codes: Tensor, fingerprint: str
    ) -> None:
        """Store codes `[N, *shape]`.

        Args:
            first: the number that the first of them uses up, named or not.
        """
        array = codes.contiguous().numpy()
        rows = zip(_columns(ids, first), array, strict=True)
        with self._transaction():
            key = self._generator(fingerprint, array)
            self._file.executemany(
                "INSERT INTO adapters (id, name, generator, code) VALUES (?, ?, ?, ?)",
                ((*columns, key, row.tobytes()) for columns, row in rows),
            )

    def add_weights(
        self, ids: Sequence[AdapterId], first: int, adapters: Sequence[LoraWeights]
    ) -> None:
        """Store trained adapters; `first` as in `add_codes`."""
        with self._transaction():
            self._file.executemany(
                "INSERT INTO adapters (id, name, weights) VALUES (?, ?, ?)",
                (
                    (*columns, pack(w))
                    for columns, w in zip(_columns(ids, first), adapters, strict=True)
                ),
            )

    def remove(self, ids: Sequence[AdapterId]) -> None:
        """Forget adapters."""
        with self._transaction():
            for adapter in ids:
                self._file.execute(f"DELETE FROM adapters WHERE {_where(adapter)}", (adapter,))

    def replace(
        self, adapter: AdapterId, entry: Tensor | LoraWeights, fingerprint: str = ""
    ) -> None:
        """Put another adapter under an id.

        Args:
            entry: a code `[*shape]` of the generator `fingerprint`, or weights.
        """
        with self._transaction():
            key = code = weights = None
            if isinstance(entry, Tensor):
                array = entry[None].contiguous().numpy()
                key, code = self._generator(fingerprint, array), array.tobytes()
            else:
                weights = pack(entry)
            self._file.execute(
                f"UPDATE adapters SET generator = ?, code = ?, weights = ? WHERE {_where(adapter)}",
                (key, code, weights, adapter),
            )

    def _generator(self, fingerprint: str, codes: np.ndarray) -> int:
        """Return the row of a generator and its codes' form, a new one if need be."""
        about = fingerprint, codes.dtype.str, json.dumps(list(codes.shape[1:]))
        self._file.execute(
            "INSERT OR IGNORE INTO generators (fingerprint, dtype, shape) VALUES (?, ?, ?)", about
        )
        (key,) = self._file.execute(
            "SELECT id FROM generators WHERE fingerprint=? AND dtype=? AND shape=?", about
        ).fetchone()
        return key

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._reported("written"):
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            remedy = (
                "close the other process that has it open"
                if "locked" in str(error)
                else "restore it from a backup, or name another path"
            )
            raise StoreError(
                f"the store {self.path} could not be {what}, got {error}: {remedy}"
            ) from error


def _id(number: int, name: str | None) -> AdapterId:
    return number if name is None else name


def _columns(ids: Sequence[AdapterId], first: int) -> Iterator[tuple[int, str | None]]:
    return ((first + i, name if isinstance(name, str) else None) for i, name in enumerate(ids))


def _where(adapter: AdapterId) -> str:
    return "name = ?" if isinstance(adapter, str) else "id = ? AND name IS NULL"
