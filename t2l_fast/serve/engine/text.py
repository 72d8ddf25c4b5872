"""TextStream: text of tokens as they come, cut where a stop string begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream


class TextStream:
    """Turns tokens into text piece by piece.

    Text that may be the beginning of a stop string is held back until that is decided, and so are
    the bytes of a character until it is whole.

    Args:
        tokenizer: a fast tokenizer of transformers.
        stop: strings that end the text; the earliest one counts, and is left out.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._decoder = DecodeStream(skip_special_tokens=True)
        self._stop = tuple(stop)
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """Text that this token completes; empty once `stopped`."""
        if self.stopped:
            return ""
        try:
            text = self._decoder.step(self._backend, token)
        except Exception:  # "invalid prefix": what some sequences of bytes leave behind
            self._decoder = DecodeStream(skip_special_tokens=True)
            text = self._decoder.step(self._backend, token)
        self._held += text or ""
        found = [at for s in self._stop if (at := self._held.find(s)) >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        keep = max((_overlap(self._held, s) for s in self._stop), default=0)
        cut = len(self._held) - keep
        text, self._held = self._held[:cut], self._held[cut:]
        return text

    def flush(self) -> str:
        """Text that was held back, when no more tokens come; not the bytes of half a character."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`, but not all of it."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
