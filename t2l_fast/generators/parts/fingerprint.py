"""Names for generators that are equal only if their adapters are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from t2l_fast.generators.config import GeneratorConfig


class Fingerprint:
    """Hashes a config and weights, again only after those were written.

    Writes that torch doesn't count (through `.data`, by fused optimisers) are not noticed.
    """

    def __init__(self) -> None:
        self._version: tuple[tuple[int, int], ...] | None = None
        self._value = ""

    def of(self, kind: str, config: GeneratorConfig, state: Mapping[str, Tensor]) -> str:
        """Return "kind-" and 32 hexadecimal digits; the order of `state` counts.

        Args:
            kind: the generator's kind, the prefix.
            config: hashed as JSON.
            state: hashed as bytes, name by name; hashed anew only after a tensor was written.
        """
        version = tuple(
            (t.data_ptr(), -1 if t.is_inference() else t._version) for t in state.values()
        )
        if version != self._version:
            digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
            for name, tensor in state.items():
                digest.update(name.encode())
                plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
                digest.update(plain.numpy().tobytes())
            self._version, self._value = version, f"{kind}-{digest.hexdigest()[:32]}"
        return self._value
