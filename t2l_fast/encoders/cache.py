"""CachedEncoder: no text is embedded twice, in this process or in the next."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from t2l_fast.encoders.adapter import EncoderAdapter
from t2l_fast.encoders.base import TextEncoder, prepare_all
from t2l_fast.encoders.sqlite import EmbeddingFile
from t2l_fast.errors import EncoderError
from t2l_fast.models import default_cache


def embedding_file() -> Path:
    """Return the file in the user's cache that commands keep embeddings in."""
    return default_cache() / "embeddings.sqlite"


def cached(encoder: TextEncoder, path: str | Path | None = None) -> CachedEncoder:
    """Return an encoder with a cache in front; one that has a cache stays as it is.

    Args:
        encoder: its name must tell its embeddings from any other's.
        path: as for `CachedEncoder`.

    Raises:
        EncoderError: the file is damaged or can't be opened.
    """
    return encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder, path)


class CachedEncoder:
    """Another encoder, asked only for what was never seen.

    Args:
        encoder: its name must tell its embeddings from any other's.
        path: a SQLite file to keep embeddings in, shared by processes and encoders; None = RAM.

    Raises:
        EncoderError: the file is damaged or can't be opened.
    """

    def __init__(self, encoder: TextEncoder, path: str | Path | None = None) -> None:
        self._encoder = encoder
        self._memory: dict[bytes, Tensor] = {}
        self._file = EmbeddingFile(path) if path is not None else None

    @property
    def name(self) -> str:
        """The encoder's own name."""
        return self._encoder.name

    @property
    def dim(self) -> int:
        """d_e of the encoder."""
        return self._encoder.dim

    @property
    def adapter(self) -> EncoderAdapter | None:
        """The LoRA that the encoder was fitted with, if it was."""
        return getattr(self._encoder, "adapter", None)

    @torch.inference_mode(False)
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embed texts, as `TextEncoder.encode`; texts that are equal once prepared count as one."""
        prepared = prepare_all(texts)
        if not prepared:
            return torch.empty(0, self.dim)
        keys = [sha256(f"{self.name}\0{text}".encode()).digest() for text in prepared]
        wanted = {key: text for key, text in zip(keys, texts, strict=True)}
        self._recall([key for key in wanted if key not in self._memory])
        missing = {key: text for key, text in wanted.items() if key not in self._memory}
        if missing:
            self._learn(missing, texts)
        return torch.stack([self._memory[key] for key in keys])

    def _recall(self, keys: list[bytes]) -> None:
        if self._file is not None and keys:
            self._memory |= self._file.read(keys, self.dim)

    def _learn(self, missing: dict[bytes, str], texts: Sequence[str]) -> None:
        try:
            rows = self._encoder.encode(list(missing.values()))
        except EncoderError:
            # says which text is refused, counted in the caller's list
            self._encoder.encode(texts)
            raise
        fresh = {key: row.clone() for key, row in zip(missing, rows, strict=True)}
        self._memory |= fresh
        if self._file is not None:
            self._file.write(fresh)
