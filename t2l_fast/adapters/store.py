"""What is registered: a code or weights per id. This store lives in RAM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import UnknownAdapter

AdapterId = int | str
"""A name where one was given, else a number that is never used again."""


@dataclass(frozen=True)
class StoredCode:
    """A code in its stored dtype, and the generator it belongs to."""

    code: Tensor  # [*code_shape]
    fingerprint: str


def rounded(codes: Tensor) -> Tensor:
    """Codes as stored: fp16 on the CPU (integers as they are), own memory."""
    dtype = torch.float16 if codes.is_floating_point() else codes.dtype
    return codes.detach().to("cpu", dtype, copy=True)


class AdapterStore:
    """Id → `StoredCode | LoraWeights`."""

    def __init__(self) -> None:
        self._entries: dict[AdapterId, StoredCode | LoraWeights] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[AdapterId]:
        return iter(self._entries)

    def __contains__(self, adapter: object) -> bool:
        return adapter in self._entries

    def __getitem__(self, adapter: AdapterId) -> StoredCode | LoraWeights:
        try:
            return self._entries[adapter]
        except (KeyError, TypeError):
            raise UnknownAdapter(
                f"an adapter id must come from register, got {adapter!r}: "
                f"{len(self)} adapters are registered"
            ) from None

    def add(self, adapter: AdapterId | None, entry: StoredCode | LoraWeights) -> AdapterId:
        if adapter is None:
            adapter, self._next = self._next, self._next + 1
        self._entries[adapter] = entry
        return adapter

    def remove(self, adapter: AdapterId) -> None:
        del self._entries[adapter]
