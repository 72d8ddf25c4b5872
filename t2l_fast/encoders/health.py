"""Whether a freshly loaded text model works: some load with garbage in them and say nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from t2l_fast.errors import EncoderError

PROBES = (
    "Translate the sentence into French.",
    "How many legs do three spiders have?",
    "Write the last letter of the word in capitals",
)
"""Unlike each other in topic, length and last character."""
MAX_COSINE = 0.999
_REMEDY = "run it in an environment with transformers<5, or take another encoder such as 'minilm'"


def check_buffers(name: str, model: nn.Module) -> None:
    """Look for buffers that came up uninitialised.

    transformers 5 builds models on the meta device. Code from the hub that fills its non-persistent
    buffers in `__init__` is left with whatever was in memory.

    Raises:
        EncoderError: a buffer's values can't be what its name says, or are not finite.
    """
    for path, buffer in model.named_buffers():
        wrong = _wrong(path.rpartition(".")[2], buffer)
        if wrong:
            raise EncoderError(
                f"the buffers of the encoder {name!r} must be initialised after loading, got "
                f"{path} that {wrong}: {_REMEDY}"
            )


def check_embeddings(name: str, embed: Callable[[list[str]], Tensor]) -> int:
    """Embed fixed unlike sentences and see that they stay apart.

    Args:
        name: for the message.
        embed: texts to `[N, d_e]`.

    Returns:
        d_e.

    Raises:
        EncoderError: embeddings are not finite, or two are nearly parallel.
    """
    rows = embed(list(PROBES)).double()
    cosines = nn.functional.cosine_similarity(rows[:, None], rows[None], dim=-1)
    highest = cosines.masked_fill(torch.eye(len(rows), dtype=torch.bool), -1.0).max().item()
    if not torch.isfinite(rows).all():
        raise EncoderError(
            f"embeddings of the encoder {name!r} must be finite, got inf or nan: {_REMEDY}"
        )
    if not (rows.norm(dim=-1) > 0).all() or highest >= MAX_COSINE:
        raise EncoderError(
            f"unlike sentences must get unlike embeddings (cosine < {MAX_COSINE}) from the encoder "
            f"{name!r}, got {highest:.6f}, so it has collapsed: {_REMEDY}"
        )
    return rows.shape[1]


def _wrong(kind: str, buffer: Tensor) -> str | None:
    """What is wrong with a buffer of that name, else None."""
    if buffer.is_meta:  # offloaded: its values are elsewhere
        return None
    if buffer.is_floating_point() and not torch.isfinite(buffer).all():
        return "is not finite"
    if kind == "position_ids":
        counted = torch.arange(buffer.shape[-1], device=buffer.device)
        return None if (buffer == counted).all() else "does not count 0, 1, 2, …"
    if kind == "token_type_ids":
        return None if ((buffer >= 0) & (buffer < 16)).all() else "holds no token types"
    if kind.endswith("inv_freq"):
        # 1 over a scaling factor at first, and 0 at the end where only a part is rotated
        first = buffer[..., 0]
        falls = (first > 1e-4).all() and (buffer >= 0).all() and (buffer.diff() <= 0).all()
        return None if falls and (first <= 1).all() else "does not fall from 1 or below to 0"
    if kind in ("cos_cached", "sin_cached"):
        # scaled rotary embeddings (YaRN) reach a little beyond 1
        peak = buffer.abs().max().item()
        return None if 0.1 < peak < 4 else "holds no sines"
    return None
