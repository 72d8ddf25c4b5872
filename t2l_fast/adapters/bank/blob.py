"""An adapter's weights as the bytes that a store holds: safetensors with the rest as metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import safetensors.torch
from torch import Tensor

from t2l_fast.adapters.peft_format import Origin
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.config import LoraConfig


def pack(weights: LoraWeights) -> bytes:
    """Return an adapter's bytes."""
    parts = {"a": weights.lora_a, "b": weights.lora_b, "m": weights.magnitudes or {}}
    tensors = {f"{part}.{m}": t.contiguous() for part, of in parts.items() for m, t in of.items()}
    about: dict[str, Any] = {"config": asdict(weights.config), "paths": weights.paths}
    about |= {"ranks": weights.ranks, "scalings": weights.scalings}
    about |= {"origin": asdict(weights.origin), "embeddings": sorted(weights.embeddings)}
    return safetensors.torch.save(tensors, {"adapter": json.dumps(about)})


def unpack(blob: bytes) -> LoraWeights:
    """Return the adapter of `pack`'s bytes, of this version or an older one.

    Raises:
        ValueError, TypeError, KeyError, SafetensorError: the bytes are damaged.
    """
    tensors = safetensors.torch.load(blob)
    (length,) = np.frombuffer(blob[:8], "<u8")
    about = json.loads(json.loads(blob[8 : 8 + int(length)])["__metadata__"]["adapter"])
    targets = about["config"].pop("target_modules")
    config = LoraConfig(targets if isinstance(targets, str) else tuple(targets), **about["config"])

    def part(letter: str) -> dict[str, Tensor]:
        return {k[2:]: t for k, t in tensors.items() if k.startswith(f"{letter}.")}

    def rows(name: str) -> dict[str, tuple[Any, ...]] | None:
        held = about.get(name)
        return held and {m: tuple(row) for m, row in held.items()}

    return LoraWeights(
        config,
        part("a"),
        part("b"),
        rows("paths"),
        rows("ranks"),
        rows("scalings"),
        part("m") or None,
        origin=Origin(**about.get("origin", {})),
        embeddings=frozenset(about.get("embeddings", ())),
    )
