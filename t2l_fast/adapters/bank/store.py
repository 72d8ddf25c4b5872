"""What is registered: a code or weights per id; in RAM, and durable where there is a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from t2l_fast.adapters.bank.code_table import CodeTable
from t2l_fast.adapters.bank.sqlite import StoreFile
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import UnknownAdapter

_ROW_BITS = 40
_WEIGHTS = -1  # in place of a code's handle


@dataclass(frozen=True)
class StoredCode:
    """A code in its stored dtype, and the generator it belongs to."""

    code: Tensor  # [*code_shape]
    fingerprint: str


def rounded(codes: Tensor) -> Tensor:
    """Return a copy of codes as stored: fp16 on the CPU, integers as they are."""
    dtype = torch.float16 if codes.is_floating_point() else codes.dtype
    return codes.detach().to("cpu", dtype, copy=True)


class AdapterStore:
    """Id → `StoredCode | LoraWeights`. Not thread-safe; the bank's lock serialises calls.

    Codes lie in RAM (a MiniLM embedding takes under 1 KB, index included). Weights lie in the file
    where there is one, and are read when a slot wants them; else in RAM.

    Args:
        path: a SQLite file for a durable copy, read now; None = RAM alone.

    Raises:
        StoreError: the file can't be used (see `StoreFile`).
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._handles: dict[AdapterId, int] = {}  # table << _ROW_BITS | row, or _WEIGHTS
        self._tables: list[tuple[str, CodeTable]] = []
        self._weights: dict[AdapterId, LoraWeights] = {}
        self._file = None if path is None else StoreFile(path)
        self._next = 0
        if self._file is not None:
            self._next = self._file.next_number
            for group in self._file.groups():
                self._keep(group.ids, group.codes, group.fingerprint)
            self._handles |= dict.fromkeys(self._file.weights_ids(), _WEIGHTS)

    def close(self) -> None:
        """Release the file; what is in RAM stays readable."""
        if self._file is not None:
            self._file.close()

    def __len__(self) -> int:
        return len(self._handles)

    def __iter__(self) -> Iterator[AdapterId]:
        return iter(self._handles)

    def __contains__(self, adapter: object) -> bool:
        return adapter in self._handles

    def __getitem__(self, adapter: AdapterId) -> StoredCode | LoraWeights:
        """Return what is stored for an id.

        Raises:
            UnknownAdapter: it is not registered.
            StoreError: its weights can't be read from the file.
        """
        handle = self._handle(adapter)
        if handle == _WEIGHTS:
            held = self._weights.get(adapter)
            if held is None:
                assert self._file is not None
                held = self._file.weights(adapter)
            return held
        fingerprint, table = self._tables[handle >> _ROW_BITS]
        return StoredCode(table[handle & ((1 << _ROW_BITS) - 1)], fingerprint)

    def holds_code(self, adapter: AdapterId) -> bool:
        """Return whether an id's adapter is stored as a code; raise UnknownAdapter as `[]` does."""
        return self._handle(adapter) != _WEIGHTS

    @property
    def durable(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def check(self, adapter: AdapterId) -> None:
        """Raise UnknownAdapter unless it is registered."""
        self._handle(adapter)

    def add_codes(
        self, names: Sequence[AdapterId | None], codes: Tensor, fingerprint: str
    ) -> list[AdapterId]:
        """Register `[N, *code_shape]` codes in their stored dtype, all or none, and return ids."""
        ids = self._ids(names)
        if self._file is not None:
            self._file.add_codes(ids, self._next, codes, fingerprint)
        self._keep(ids, codes, fingerprint)
        self._next += len(ids)
        return ids

    def add_weights(
        self, names: Sequence[AdapterId | None], adapters: Sequence[LoraWeights]
    ) -> list[AdapterId]:
        """Register trained adapters, all or none, and return ids."""
        ids = self._ids(names)
        if self._file is not None:
            self._file.add_weights(ids, self._next, adapters)
        else:
            self._weights |= zip(ids, adapters, strict=True)
        self._next += len(ids)
        self._handles |= dict.fromkeys(ids, _WEIGHTS)
        return ids

    def replace(
        self, adapter: AdapterId, entry: Tensor | LoraWeights, fingerprint: str, aside: AdapterId
    ) -> None:
        """Put another adapter under an id; keep the old one in RAM alone.

        Args:
            entry: a code `[*code_shape]` of the generator `fingerprint`, or weights.
            aside: a new id, of the old adapter.

        Raises:
            UnknownAdapter: it is not registered.
            StoreError: the file can't be read or written; then all is as before.
        """
        before = self._handle(adapter)
        old = self[adapter]
        if self._file is not None:
            self._file.replace(adapter, entry, fingerprint)
        self._handles[aside] = before
        self._weights.pop(adapter, None)
        if isinstance(old, LoraWeights):
            self._weights[aside] = old
        if isinstance(entry, Tensor):
            self._keep([adapter], entry[None], fingerprint)
            return
        self._handles[adapter] = _WEIGHTS
        if self._file is None:
            self._weights[adapter] = entry

    def remove(self, ids: Sequence[AdapterId]) -> None:
        """Forget adapters, all or none.

        Raises:
            UnknownAdapter: one is not registered.
        """
        freed: dict[int, list[int]] = {}
        for adapter in ids:
            handle = self._handle(adapter)
            if handle != _WEIGHTS:
                freed.setdefault(handle >> _ROW_BITS, []).append(handle & ((1 << _ROW_BITS) - 1))
        if self._file is not None:
            self._file.remove(ids)
        for adapter in ids:
            del self._handles[adapter]
            self._weights.pop(adapter, None)
        for index, rows in freed.items():
            self._tables[index][1].remove(rows)

    def _handle(self, adapter: AdapterId) -> int:
        try:
            return self._handles[adapter]
        except (KeyError, TypeError):
            raise UnknownAdapter(
                f"an adapter id must come from register, got {adapter!r}: "
                f"{len(self)} adapters are registered"
            ) from None

    def _ids(self, names: Sequence[AdapterId | None]) -> list[AdapterId]:
        """Return the names, a number for None; a named adapter uses up a number too."""
        return [self._next + i if name is None else name for i, name in enumerate(names)]

    def _keep(self, ids: Sequence[AdapterId], codes: Tensor, fingerprint: str) -> None:
        shape, dtype = tuple(codes.shape[1:]), codes.dtype
        fitting = (
            index
            for index, (owner, table) in enumerate(self._tables)
            if (owner, table.shape, table.dtype) == (fingerprint, shape, dtype)
        )
        index = next(fitting, len(self._tables))
        if index == len(self._tables):
            self._tables.append((fingerprint, CodeTable(shape, dtype)))
        rows = self._tables[index][1].add(codes)
        self._handles |= zip(ids, (index << _ROW_BITS | row for row in rows), strict=True)
