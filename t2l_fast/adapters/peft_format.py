"""PEFT folders: `adapter_config.json` and `adapter_model.safetensors`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from t2l_fast.adapters.sites import keys_of
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterFormatError, AdapterMismatch
from t2l_fast.files import replace_files

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
_LONGEST = 256
"""Characters of a module's path: finding keys takes time and memory by its square."""
_PREFIX = "base_model.model."
_TENSOR = re.compile(rf"(?:{re.escape(_PREFIX)})?(?P<path>.+)\.lora_(?P<part>[AB])\.weight")


Paths = dict[str, tuple[str, ...]]
"""Key → module path of every layer."""


def read(folder: Path) -> tuple[LoraConfig, dict[str, Tensor], dict[str, Tensor], Paths]:
    """Return config, A `[layers, rank, in]` and B `[layers, rank, out]` by key, and paths.

    Raises:
        AdapterFormatError: a file is missing or damaged, or its tensors don't form LoRA pairs.
        ConfigError: the adapter uses a PEFT feature that is not run here.
    """
    config = LoraConfig.from_peft(_read_config(folder))
    a_of, b_of = _read_pairs(folder)
    keys = keys_of(a_of, a_of)
    lora_a: dict[str, list[Tensor]] = {}
    lora_b: dict[str, list[Tensor]] = {}
    paths: dict[str, list[str]] = {}
    for path in sorted(a_of, key=_natural):
        a, b = a_of[path], b_of[path].T if b_of[path].dim() == 2 else b_of[path]
        plain = a.dim() == b.dim() == 2 and a.dtype == b.dtype and a.is_floating_point()
        if not plain or not a.shape[0] == b.shape[0] == config.rank:
            raise AdapterFormatError(
                f"lora_A and lora_B of {path} must be float matrices of one dtype and rank "
                f"{config.rank} as {CONFIG_NAME} says, got {tuple(a.shape)} {a.dtype} and "
                f"{tuple(b_of[path].shape)} {b.dtype}"
            )
        lora_a.setdefault(keys[path], []).append(a)
        lora_b.setdefault(keys[path], []).append(b.contiguous())
        paths.setdefault(keys[path], []).append(path)
    try:
        return (
            config,
            {m: torch.stack(rows) for m, rows in lora_a.items()},
            {m: torch.stack(rows) for m, rows in lora_b.items()},
            {m: tuple(names) for m, names in paths.items()},
        )
    except RuntimeError as error:
        raise AdapterFormatError(
            f"layers of one module differ in shape in {folder}: {error}"
        ) from None


def write(
    config: LoraConfig,
    lora_a: dict[str, Tensor],
    lora_b: dict[str, Tensor],
    paths: Paths | None,
    folder: Path,
) -> None:
    """Write both files under temporary names, then rename them together.

    Raises:
        AdapterMismatch: no module paths are known.
    """
    if paths is None or not lora_a.keys() <= paths.keys():
        raise AdapterMismatch(
            "a PEFT folder needs module paths, got none for these weights: pass paths=, or take "
            "the weights through for_sites(adapters.sites) first"
        )
    tensors = {}
    for m, a in lora_a.items():
        names = paths[m]
        if len(names) != a.shape[0]:
            raise AdapterMismatch(f"{m} needs {a.shape[0]} paths, one per layer, got {len(names)}")
        for path, row_a, row_b in zip(names, a.unbind(), lora_b[m].unbind(), strict=True):
            tensors[f"{_PREFIX}{path}.lora_A.weight"] = row_a.detach().cpu().clone()
            tensors[f"{_PREFIX}{path}.lora_B.weight"] = row_b.detach().cpu().T.contiguous()
    plain = config.to_dict() | {"inference_mode": True, "base_model_name_or_path": None}
    replace_files(
        folder,
        {
            WEIGHTS_NAME: save(tensors, metadata={"format": "pt"}),
            CONFIG_NAME: (json.dumps(plain, indent=2) + "\n").encode(),
        },
    )


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        fields = json.loads((folder / CONFIG_NAME).read_text())
    except FileNotFoundError:
        raise AdapterFormatError(
            f"a PEFT adapter folder must hold {CONFIG_NAME}, got none in {folder}"
        ) from None
    except (ValueError, OSError) as error:
        raise AdapterFormatError(f"{folder / CONFIG_NAME} can't be read as JSON: {error}") from None
    if not isinstance(fields, dict):
        raise AdapterFormatError(f"{folder / CONFIG_NAME} must hold a JSON object")
    return fields


def _read_pairs(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    path = folder / WEIGHTS_NAME
    try:
        tensors = load(path.read_bytes())
    except FileNotFoundError:
        raise AdapterFormatError(
            f"a PEFT adapter folder must hold {WEIGHTS_NAME}, got none in {folder}: a pickled "
            "adapter_model.bin is not read; save it again with PEFT's safe_serialization"
        ) from None
    except (SafetensorError, OSError) as error:
        raise AdapterFormatError(f"{path} can't be read as safetensors: {error}") from None
    pairs: dict[str, dict[str, Tensor]] = {"A": {}, "B": {}}
    for name, tensor in tensors.items():
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise AdapterFormatError(f"{path} must hold lora_A and lora_B weights only, got {name}")
        if len(match["path"]) > _LONGEST:
            raise AdapterFormatError(
                f"{path} must name modules in up to {_LONGEST} characters, got {len(match['path'])}"
            )
        pairs[match["part"]][match["path"]] = tensor
    if not pairs["A"] or pairs["A"].keys() != pairs["B"].keys():
        odd = sorted(pairs["A"].keys() ^ pairs["B"].keys())[:3]
        raise AdapterFormatError(f"{path} must hold a lora_A and a lora_B per module, got {odd}")
    return pairs["A"], pairs["B"]


def _natural(path: str) -> list[tuple[int, int | str]]:
    return [(0, int(p)) if p.isdecimal() and p.isascii() else (1, p) for p in path.split(".")]
