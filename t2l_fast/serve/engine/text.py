"""TextStream: text of tokens as they come, cut where a stop string begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream

from t2l_fast.serve.engine.vocabulary import Vocabulary

CONTEXT = 8
"""Last tokens of the prompt that the first new token is decoded after."""


class TextStream:
    """Turn tokens into text piece by piece.

    Text that may be the beginning of a stop string is held back until that is decided. So are the
    bytes of a character until it is whole. Special tokens are no text, but end it where a stop
    string names them.

    Args:
        tokenizer: a fast tokenizer of transformers.
        stop: strings that end the text; the earliest one counts, and is left out.
        prompt: token ids that the text continues. Without them a decoder that drops the first
            space of a text, as SentencePiece's does, drops that of the answer.
        vocabulary: of the tokenizer; None = a new one.
    """

    def __init__(
        self,
        tokenizer: Any,
        stop: Sequence[str] = (),
        *,
        prompt: Sequence[int] = (),
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._backend = tokenizer.backend_tokenizer
        self._vocabulary = vocabulary or Vocabulary(tokenizer)
        self._decoder = self._begin(prompt)
        self._stop = tuple(stop)
        self._held = ""
        self._shown: list[bool] = []  # of each held character: special tokens are not shown
        self.stopped = False

    def push(self, token: int) -> str:
        """Return the text that this token completes; empty once `stopped`."""
        if self.stopped:
            return ""
        try:
            text = self._decoder.step(self._backend, token) or ""
        except Exception:  # "invalid prefix": what some sequences of bytes leave behind
            self._decoder = self._begin(())
            text = self._decoder.step(self._backend, token) or ""
        self._hold(text, shown=True)
        if self._stop and self._vocabulary.is_special(token):
            self._hold(self._vocabulary.bytes_of(token).decode(errors="replace"), shown=False)
        matches = [at for s in self._stop if (at := self._held.find(s)) >= 0]
        if matches:
            self.stopped = True
            text = self._take(min(matches))
            self._held, self._shown = "", []
            return text
        keep = max((_overlap(self._held, s) for s in self._stop), default=0)
        return self._take(len(self._held) - keep)

    def flush(self) -> str:
        """Return text that was held back, when no more tokens come; not half a character."""
        return self._take(len(self._held))

    def _begin(self, prompt: Sequence[int]) -> DecodeStream:
        tail = [t for t in prompt if not self._vocabulary.is_special(t)][-CONTEXT:]
        stream = DecodeStream(ids=tail, skip_special_tokens=True)
        if tail and _broken(self._backend.decode(tail)):
            return DecodeStream(skip_special_tokens=True)
        return stream

    def _hold(self, text: str, *, shown: bool) -> None:
        self._held += text
        self._shown += [shown] * len(text)

    def _take(self, count: int) -> str:
        text, self._held = self._held[:count], self._held[count:]
        shown, self._shown = self._shown[:count], self._shown[count:]
        return "".join(c for c, s in zip(text, shown, strict=True) if s)


def _broken(text: str) -> bool:
    return text.endswith("\ufffd")


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that begins `stop`, but is not all of it."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
