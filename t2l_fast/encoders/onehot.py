"""One-hot conditioning: every task is its own embedding, and only known tasks have one."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from hashlib import sha256

import torch
from torch import Tensor

from t2l_fast.errors import EncoderError


class OneHotEncoder:
    """Rows of eye(n), taken by task name and not rescaled (one-hot mode of Text-to-LoRA).

    Args:
        task_names: n different names; their order is that of the columns.

    Raises:
        EncoderError: there is no name, or one occurs twice.
    """

    def __init__(self, task_names: Sequence[str]) -> None:
        self._row = {name: row for row, name in enumerate(task_names)}
        if isinstance(task_names, str) or not 0 < len(self._row) == len(task_names):
            raise EncoderError(
                f"task names must be at least one and all different, got {task_names!r}"
            )
        self.name = f"onehot-{sha256(repr(list(task_names)).encode()).hexdigest()[:16]}"
        self.dim = len(self._row)

    @torch.inference_mode(False)
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Look task names up.

        Args:
            texts: N task names.

        Returns:
            fp32 `[N, n]`.

        Raises:
            EncoderError: a name is not known.
        """
        if isinstance(texts, str):
            raise EncoderError(f"task names must be a sequence of strings, got {texts!r} alone")
        rows = torch.tensor([self._find(text) for text in texts], dtype=torch.long)
        return torch.eye(self.dim)[rows]

    def _find(self, name: str) -> int:
        if name in self._row:
            return self._row[name]
        near = get_close_matches(str(name), self._row, n=3) or list(self._row)[:3]
        raise EncoderError(
            f"a one-hot encoder knows only the {self.dim} tasks it was made of, got {name!r}: "
            f"near it are {', '.join(near)}"
        )
