"""The tensors of a PEFT folder, sorted by what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from t2l_fast.adapters.peft_format.names import INDEX_NAME, PICKLE_NAME, WEIGHTS_NAME, parse
from t2l_fast.errors import AdapterFormatError


@dataclass
class Tensors:
    """What a file holds.

    Fields:
        a: path → `[rank, in]`.
        b: path → `[out, rank]`.
        magnitudes: path → `[out]`, of DoRA.
        copies: parameter → the copy of a base weight.
        embeddings: paths of embeddings.
    """

    a: dict[str, Tensor] = field(default_factory=dict)
    b: dict[str, Tensor] = field(default_factory=dict)
    magnitudes: dict[str, Tensor] = field(default_factory=dict)
    copies: dict[str, Tensor] = field(default_factory=dict)
    embeddings: set[str] = field(default_factory=set)


def read_tensors(folder: Path) -> Tensors:
    """Read and sort the tensors of a folder; safetensors come before a pickled file.

    Raises:
        AdapterFormatError: there is no file, it is damaged, or its tensors don't pair up.
    """
    path, tensors = _load(folder)
    sorted_ = Tensors()
    parts = {"A": sorted_.a, "B": sorted_.b, "magnitude": sorted_.magnitudes}
    parts["copy"] = sorted_.copies
    for name, tensor in tensors.items():
        parsed = parse(name)
        if parsed is None:
            continue
        part = parts[parsed.part]
        if parsed.path in part:
            raise AdapterFormatError(
                f"{path} must hold one adapter, got {parsed.part} of {parsed.path} twice: save "
                "each adapter into a folder of its own"
            )
        part[parsed.path] = tensor
        if parsed.embedding:
            sorted_.embeddings.add(parsed.path)
    if not sorted_.a or sorted_.a.keys() != sorted_.b.keys():
        odd = sorted(sorted_.a.keys() ^ sorted_.b.keys())[:3]
        raise AdapterFormatError(f"{path} must hold a lora_A and a lora_B per module, got {odd}")
    return sorted_


def _load(folder: Path) -> tuple[Path, dict[str, Tensor]]:
    path = folder / WEIGHTS_NAME
    if not path.exists() and (folder / INDEX_NAME).exists():
        path = folder / INDEX_NAME
        return path, {k: t for part in _parts(path) for k, t in _loaded(part).items()}
    if not path.exists() and (folder / PICKLE_NAME).exists():
        path = folder / PICKLE_NAME
        return path, _unpickled(path)
    return path, _loaded(path)


def _parts(index: Path) -> list[Path]:
    """Return the files that an index names, all in its own folder."""
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (ValueError, OSError, RecursionError, KeyError, TypeError, AttributeError):
        raise AdapterFormatError(
            f"{index} must name a file for every tensor, got something else: save the adapter again"
        ) from None
    if not names or not all(Path(name).name == name for name in names):
        raise AdapterFormatError(
            f"{index} must name files beside it, got others or none: save the adapter again"
        )
    return [index.parent / name for name in names]


def _loaded(path: Path) -> dict[str, Tensor]:
    try:
        return load(path.read_bytes())
    except FileNotFoundError:
        raise AdapterFormatError(
            f"a PEFT adapter folder must hold {path.name}, got none in {path.parent}: copy the "
            "whole folder"
        ) from None
    except (SafetensorError, OSError) as error:
        raise AdapterFormatError(f"{path} can't be read as safetensors: {error}") from None


def _unpickled(path: Path) -> dict[str, Tensor]:
    """Return a pickled file's tensors; nothing but tensors is unpickled."""
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files fail in more ways than torch promises
        reason = str(error).split("\n", 1)[0]
        raise AdapterFormatError(
            f"{path} must be a file of tensors alone, got one that is not: {reason}; save it again "
            "as safetensors with PEFT"
        ) from None
    if not isinstance(tensors, dict) or not all(
        isinstance(k, str) and isinstance(t, Tensor) for k, t in tensors.items()
    ):
        raise AdapterFormatError(f"{path} must hold names and tensors alone: save it again")
    return tensors
