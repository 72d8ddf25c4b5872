"""Pieces of text as token ids, kept compactly."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from t2l_fast.train.adapters.rows import Piece
from t2l_fast.train.data.batches import Row

Encoded = tuple[list[int], list[bool]]
"""Ids of a row, and which of them carry loss."""
_AT_ONCE = 512


class Rows:
    """Tokenised rows: 4 bytes an id and one a mark."""

    def __init__(self) -> None:
        self._ids, self._learned = array("i"), bytearray()
        self._starts = [0]

    def add(self, ids: Sequence[int], learned: Sequence[bool]) -> None:
        """Append a row."""
        self._ids.extend(ids)
        self._learned.extend(learned)
        self._starts.append(len(self._ids))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def row(self, index: int, slot: int) -> Row:
        """Return a row for a batch."""
        part = slice(*self._starts[index : index + 2])
        return Row(slot, tuple(self._ids[part]), 1, learned=tuple(map(bool, self._learned[part])))

    def digest(self) -> str:
        """Return a digest of all ids and marks: 16 hexadecimal digits."""
        parts = (self._ids.tobytes(), bytes(self._learned), array("q", self._starts).tobytes())
        return hashlib.sha256(b"/".join(parts)).hexdigest()[:16]


def encode(rows: Sequence[tuple[list[Piece], bool]], tokenizer: Any) -> list[Encoded]:
    """Tokenise rows of pieces.

    A row is tokenised as one text if every learned piece begins with a token of its own there.
    Else its pieces are tokenised one by one, as the model sees them when it answers.

    Args:
        rows: pieces, and whether the tokenizer adds its special tokens and an end of sequence.
        tokenizer: a fast one, or a slow one, which tokenises by pieces.
    """
    encoded: list[Encoded] = []
    for first in range(0, len(rows), _AT_ONCE):
        chunk = rows[first : first + _AT_ONCE]
        whole: list[Encoded | None] = [None] * len(chunk)
        for special in (False, True) if getattr(tokenizer, "is_fast", False) else ():
            chosen = [i for i, row in enumerate(chunk) if row[1] == special]
            if not chosen:
                continue
            texts = ["".join(text for text, _ in chunk[i][0]) for i in chosen]
            output = tokenizer(texts, add_special_tokens=special, return_offsets_mapping=True)
            for i, ids, offsets in zip(
                chosen, output["input_ids"], output["offset_mapping"], strict=True
            ):
                whole[i] = _marked(ids, offsets, chunk[i][0])
        for (pieces, special), done in zip(chunk, whole, strict=True):
            ids, learned = done or _by_pieces(pieces, special, tokenizer)
            if special and (not ids or ids[-1] != tokenizer.eos_token_id):
                ids, learned = [*ids, tokenizer.eos_token_id], [*learned, True]
            encoded.append((ids, learned))
    return encoded


def _marked(
    ids: list[int], offsets: Sequence[tuple[int, int]], pieces: Sequence[Piece]
) -> Encoded | None:
    """Mark the tokens of learned pieces; None where a token reaches into one from before it."""
    ends = list(accumulate(len(text) for text, _ in pieces))
    learned: list[bool] = []
    piece = 0
    for start, end in offsets:
        if start == end:  # a special token, which is no text
            learned.append(bool(learned) and learned[-1])
            continue
        while piece < len(ends) - 1 and start >= ends[piece]:
            piece += 1
        own = pieces[piece][1]
        following = pieces[piece + 1][1] if piece + 1 < len(pieces) else own
        if following and not own and end > ends[piece]:
            return None
        learned.append(own)
    return ids, learned


def _by_pieces(pieces: Sequence[Piece], special: bool, tokenizer: Any) -> Encoded:
    ids: list[int] = []
    learned: list[bool] = []
    for number, (text, own) in enumerate(pieces):
        part = tokenizer(text, add_special_tokens=special and number == 0)["input_ids"]
        if number == 0 and special and part and part[-1] == tokenizer.eos_token_id:
            part = part[:-1]  # some tokenizers end every text
        ids += part
        learned += [own] * len(part)
    return ids, learned
