"""Read a PEFT folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from t2l_fast.adapters.peft_format.base_copy import BaseCopy
from t2l_fast.adapters.peft_format.names import CONFIG_NAME
from t2l_fast.adapters.peft_format.origin import Origin
from t2l_fast.adapters.peft_format.tensors import Tensors, read_tensors
from t2l_fast.adapters.sites import grouped
from t2l_fast.config import LoraConfig, PeftFields
from t2l_fast.config.patterns import matches
from t2l_fast.errors import AdapterFormatError

Paths = dict[str, tuple[str, ...]]
"""Key → module path of every layer."""


class StoredAdapter(NamedTuple):
    """The fields of `LoraWeights`, in their order."""

    config: LoraConfig
    lora_a: dict[str, Tensor]
    lora_b: dict[str, Tensor]
    paths: Paths
    ranks: dict[str, tuple[int, ...]] | None
    scalings: dict[str, tuple[float, ...]] | None
    magnitudes: dict[str, Tensor] | None
    copies: dict[str, BaseCopy] | None
    origin: Origin
    embeddings: frozenset[str]


def read(folder: Path) -> StoredAdapter:
    """Read a folder; ranks and scales per layer are given where they differ.

    Raises:
        AdapterFormatError: a file is missing or damaged, or its tensors don't form LoRA pairs.
        ConfigError: the adapter uses a PEFT feature that is not run here.
    """
    fields = PeftFields.parse(_read_config(folder))
    tensors = read_tensors(folder)
    order = sorted(tensors.a, key=_natural)
    for path in order:
        _check_pair(path, fields, tensors)
    dtype = _common_dtype([*tensors.a.values(), *tensors.b.values()])
    shapes = {p: (tensors.a[p].shape[1], tensors.b[p].shape[0]) for p in order}
    paths = {key: tuple(group) for key, group in grouped(shapes, shapes).items()}
    ranks = {m: tuple(map(fields.rank_at, group)) for m, group in paths.items()}
    scalings = {m: tuple(map(fields.scaling_at, group)) for m, group in paths.items()}
    rank = max(max(of) for of in ranks.values())
    targets = fields.targets
    tied_unnamed = fields.ties_weights and not all(matches(p, targets or ()) for p in order)
    if targets is None or tied_unnamed:
        targets = tuple(order)
    config = LoraConfig(targets, rank, fields.alpha, fields.use_rslora, fields.dropout)
    return StoredAdapter(
        config,
        {
            m: torch.stack([_padded(tensors.a[p].to(dtype), rank) for p in of])
            for m, of in paths.items()
        },
        {
            m: torch.stack([_padded(tensors.b[p].T.to(dtype), rank) for p in of])
            for m, of in paths.items()
        },
        paths,
        None if all(r == rank for of in ranks.values() for r in of) else ranks,
        None if all(s == config.scaling for of in scalings.values() for s in of) else scalings,
        {m: torch.stack([tensors.magnitudes[p] for p in of]) for m, of in paths.items()}
        if fields.use_dora
        else None,
        {name: BaseCopy.of(copy) for name, copy in tensors.copies.items()} or None,
        Origin(fields.base_model, fields.revision, fields.task_type, fields.auto_mapping),
        frozenset(m for m, of in paths.items() if of[0] in tensors.embeddings),
    )


def _check_pair(path: str, fields: PeftFields, tensors: Tensors) -> None:
    a, b, rank = tensors.a[path], tensors.b[path], fields.rank_at(path)
    plain = a.dim() == b.dim() == 2 and a.is_floating_point() and b.is_floating_point()
    if not plain or not a.shape[0] == b.shape[1] == rank:
        raise AdapterFormatError(
            f"lora_A and lora_B of {path} must be float matrices of rank {rank} as {CONFIG_NAME} "
            f"says, got {tuple(a.shape)} {a.dtype} and {tuple(b.shape)} {b.dtype}: save the "
            "adapter again with its own config"
        )
    if fields.use_dora and path in tensors.embeddings:
        raise AdapterFormatError(
            f"DoRA runs on linears alone, got one on the embedding {path}: merge it into the base "
            "model with PEFT"
        )
    magnitude = tensors.magnitudes.get(path)
    if (magnitude is not None) != fields.use_dora:
        raise AdapterFormatError(
            f"magnitudes must be there with use_dora alone, got use_dora={fields.use_dora} and "
            f"{'one' if magnitude is not None else 'none'} for {path}: save the adapter again "
            "with its own config"
        )
    if magnitude is not None and (
        magnitude.shape != b.shape[:1] or not magnitude.is_floating_point()
    ):
        raise AdapterFormatError(
            f"the magnitude of {path} must be floats of shape {tuple(b.shape[:1])}, "
            f"got {tuple(magnitude.shape)} {magnitude.dtype}"
        )


def _common_dtype(tensors: Sequence[Tensor]) -> torch.dtype:
    """Return a dtype that holds all of them exactly, of 16 bits or more."""
    kinds = {t.dtype if t.dtype.itemsize > 1 else torch.bfloat16 for t in tensors}
    return reduce(torch.promote_types, kinds)


def _padded(rows: Tensor, rank: int) -> Tensor:
    """Return `[r, features]` with zeros up to `rank` rows."""
    if len(rows) == rank:
        return rows
    return torch.cat([rows, rows.new_zeros(rank - len(rows), rows.shape[1])])


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        fields = json.loads((folder / CONFIG_NAME).read_text("utf-8-sig"))
    except FileNotFoundError:
        raise AdapterFormatError(
            f"a PEFT adapter folder must hold {CONFIG_NAME}, got none in {folder}"
        ) from None
    except NotADirectoryError:
        raise AdapterFormatError(
            f"an adapter must be a folder that holds {CONFIG_NAME}, got the file {folder}: name "
            "the folder that it is in"
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        raise AdapterFormatError(f"{folder / CONFIG_NAME} can't be read as JSON: {error}") from None
    if not isinstance(fields, dict):
        raise AdapterFormatError(f"{folder / CONFIG_NAME} must hold a JSON object")
    return fields


def _natural(path: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() and p.isascii() else (1, p) for p in path.split(".")]
