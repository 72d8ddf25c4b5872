"""EmbeddingFile: embeddings by key in a SQLite file that several processes share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from t2l_fast.errors import EncoderError

_WAIT = 30.0  # seconds for another process to finish writing
_TABLE = (
    "CREATE TABLE IF NOT EXISTS embeddings_v1 "
    "(key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID"
)


class EmbeddingFile:
    """Keys to rows; a connection lives for one call, so threads and forks need no care.

    Args:
        path: made if it is not there, with its folder.

    Raises:
        EncoderError: the file is no SQLite file, or can't be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._open() as file:
            file.execute("PRAGMA journal_mode=WAL")

    def read(self, keys: Sequence[bytes], dim: int) -> dict[bytes, Tensor]:
        """Return the fp32 `[dim]` rows of those keys that are there.

        Raises:
            EncoderError: the file is damaged, or holds a row of another size.
        """
        rows = {}
        with self._open() as file:
            for key in keys:
                row = file.execute("SELECT row FROM embeddings_v1 WHERE key = ?", (key,))
                for (blob,) in row.fetchall():
                    rows[key] = self._row(blob, dim)
        return rows

    def write(self, rows: Mapping[bytes, Tensor]) -> None:
        """Store all rows or none; a key that is there keeps its row.

        Raises:
            EncoderError: the file is damaged or can't be written.
        """
        values = [(key, row.numpy().astype("<f4").tobytes()) for key, row in rows.items()]
        with self._open() as file:
            file.executemany("INSERT OR IGNORE INTO embeddings_v1 VALUES (?, ?)", values)

    def _row(self, blob: bytes, dim: int) -> Tensor:
        if not isinstance(blob, bytes) or len(blob) != 4 * dim:
            size = len(blob) // 4 if isinstance(blob, bytes) else type(blob).__name__
            raise EncoderError(
                f"rows of this encoder in the embedding cache {self.path} must have {dim} numbers, "
                f"got {size}: delete the file or name another path"
            )
        return torch.from_numpy(np.frombuffer(blob, "<f4").astype(np.float32))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_WAIT)) as file, file:
                file.execute(_TABLE)
                yield file
        except (sqlite3.Error, OSError) as error:
            raise EncoderError(
                f"the embedding cache {self.path} must be a SQLite file that can be read and "
                f"written, got {error}: delete it or name another path"
            ) from error
