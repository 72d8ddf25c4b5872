"""Vocabulary: the bytes and the text of single tokens."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

from tokenizers import pre_tokenizers

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Vocabulary:
    """Give the bytes that each token adds to a text.

    A token may be a part of a character, so its bytes need not be valid UTF-8.

    Args:
        tokenizer: a fast tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        self._bytes: dict[int, bytes] = {}

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes of a token; of a special token, those of its name."""
        if token not in self._bytes:  # log probabilities name many tokens many times
            self._bytes[token] = self._read(token)
        return self._bytes[token]

    def text_of(self, token: int) -> str:
        """Return a token as text, or as `bytes:\\xf0\\x9f` where it is a part of a character."""
        raw = self.bytes_of(token)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{b:02x}" for b in raw)

    def is_special(self, token: int) -> bool:
        """Return whether a token is left out of texts, as the end of a turn is."""
        return token in self._special

    @cached_property
    def _added(self) -> dict[int, Any]:
        return self._backend.get_added_tokens_decoder()

    @cached_property
    def _special(self) -> frozenset[int]:
        named = {i for i, added in self._added.items() if added.special}
        return frozenset(named | set(self._tokenizer.all_special_ids))

    @cached_property
    def _decoders(self) -> set[str]:
        """Names of the decoder's steps, e.g. `ByteLevel`."""
        spec = json.loads(self._backend.to_str())["decoder"] or {}
        return {step["type"] for step in spec.get("decoders", [spec]) if "type" in step}

    def _read(self, token: int) -> bytes:
        if token in self._added:
            return self._added[token].content.encode()
        piece = self._backend.id_to_token(token)
        if piece is None:  # a row of the head beyond the vocabulary
            return b""
        if "ByteLevel" in self._decoders:
            if all(char in _BYTE_OF for char in piece):
                return bytes(_BYTE_OF[char] for char in piece)
            return piece.encode()
        byte = _BYTE.fullmatch(piece) if "ByteFallback" in self._decoders else None
        if byte is not None:
            return bytes([int(byte[1], 16)])
        if self._decoders & {"Metaspace", "Replace"}:
            return piece.replace("▁", " ").encode()
        return self._tokenizer.decode([token]).encode()


def _byte_of() -> dict[str, int]:
    """Return the byte that each character of a byte-level vocabulary stands for (GPT-2).

    Printable bytes stand for themselves; the others have the characters from U+0100 on, in order.
    """
    alphabet = set(pre_tokenizers.ByteLevel.alphabet())
    plain = {chr(b): b for b in range(256) if chr(b) in alphabet}
    others = [b for b in range(256) if chr(b) not in plain]
    return plain | {chr(0x100 + i): b for i, b in enumerate(others)}


_BYTE_OF = _byte_of()
