"""EncoderName: the parts of an encoder's name, as users write it and as files keep it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from t2l_fast.encoders.adapter import EncoderAdapter
from t2l_fast.errors import EncoderError

MINILM = "minilm"
CAUSAL = "causal:"
ACCEPTED = (
    "'minilm', a folder or a sentence-transformers model on the Hugging Face hub, or a causal LM "
    "as 'causal:MODEL' or 'causal:MODEL:BLOCKS'; of the first two also 'ENCODER+FOLDER', with an "
    "adapter that `t2l train encoder` made"
)
_JOINT = "+"
_DIGEST = re.compile("[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class EncoderName:
    """Which encoder a name stands for; nothing is loaded.

    Fields:
        kind: "minilm" from its package, a sentence-transformers model, or a causal LM.
        model: what is loaded: a folder, a name on the hub, or "minilm".
        blocks: blocks of a causal LM below the mean; None = its last token.
        adapter: folder of a fitted encoder's adapter, or its digest; None = none.
    """

    kind: Literal["minilm", "sentence", "causal"]
    model: str
    blocks: int | None = None
    adapter: str | None = None

    @classmethod
    def parse(cls, name: object, *, by_digest: bool = False) -> EncoderName:
        """Take a name apart.

        A "+" in the path of an existing folder is part of that path.

        Args:
            name: as `load_encoder` takes it.
            by_digest: what follows the last "+" is a digest; else it may be a folder.

        Raises:
            EncoderError: it is no such name.
        """
        if not isinstance(name, str) or not name.strip():
            raise EncoderError(f"an encoder must be {ACCEPTED}, got {name!r}")
        plain, adapter = _cut(name, by_digest)
        if plain.startswith(CAUSAL):
            model, _, blocks = plain.removeprefix(CAUSAL).partition(":")
            if not model or not (blocks.isdecimal() or not blocks):
                raise EncoderError(f"an encoder must be {ACCEPTED}, got {name!r}")
            if adapter is not None:
                raise EncoderError(
                    f"an adapter needs a sentence-transformers encoder, got {name!r}: leave out "
                    f"{_JOINT + adapter!r}"
                )
            return cls("causal", model, int(blocks) if blocks else None)
        if not plain.strip():
            raise EncoderError(f"an encoder must be {ACCEPTED}, got {name!r}")
        return cls("minilm" if plain == MINILM else "sentence", plain, adapter=adapter)

    @property
    def plain(self) -> str:
        """The name without the adapter."""
        blocks = "" if self.blocks is None else f":{self.blocks}"
        return f"{CAUSAL}{self.model}{blocks}" if self.kind == "causal" else self.model

    def read_adapter(self, adapter: EncoderAdapter | None = None) -> EncoderAdapter | None:
        """Return the adapter of the name, or None where it has none.

        Args:
            adapter: the adapter itself, which the name then has the digest of, if anything.

        Raises:
            EncoderError: the folder has no adapter, or `adapter` has another digest.
        """
        if self.adapter is None:
            return adapter
        if adapter is None:
            return EncoderAdapter.read(self.adapter)
        if adapter.digest != self.adapter:
            raise EncoderError(
                f"the adapter of the encoder {with_adapter(self.plain, self.adapter)!r} must have "
                f"the digest in its name, got one of {adapter.digest}: take the files that belong "
                "together"
            )
        return adapter


def with_adapter(plain: str, adapter: str) -> str:
    """Return the name of an encoder with an adapter's folder or digest."""
    return f"{plain}{_JOINT}{adapter}"


def digest_in(name: str) -> str | None:
    """Return the digest of an adapter at the end of a name, 12 hexadecimal digits, or None."""
    _, joint, digest = name.rpartition(_JOINT)
    return digest if joint and _DIGEST.fullmatch(digest) else None


def _cut(name: str, by_digest: bool) -> tuple[str, str | None]:
    """Return the name without an adapter, and the adapter's folder or digest."""
    if Path(name).is_dir() or Path(name.removeprefix(CAUSAL)).is_dir():
        return name, None
    parts = name.split(_JOINT)
    cuts = [(_JOINT.join(parts[:i]), _JOINT.join(parts[i:])) for i in range(1, len(parts))]
    if not cuts:
        return name, None
    last = cuts[-1]
    return last if by_digest else next((cut for cut in cuts if Path(cut[1]).is_dir()), last)
