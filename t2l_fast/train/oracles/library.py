"""LoraLibrary: trained task LoRAs and their descriptions, what reconstruction learns from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from t2l_fast.adapters import LoraBatch, LoraWeights
from t2l_fast.adapters.peft_format import CONFIG_NAME
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterFormatError, AdapterMismatch, CheckpointError, T2LError
from t2l_fast.files import replace_files
from t2l_fast.train.run.layout import LIBRARY as BANK

DESCRIPTIONS = ("descriptions.txt", "task_desc.txt")
"""Beside an adapter's files, one description a line; the second is what Text-to-LoRA writes."""


@dataclass(frozen=True)
class LoraLibrary:
    """Adapters of one rank and scale on the same modules, each with a name and descriptions.

    Fields:
        names: N of them.
        descriptions: of each, at least one.
        adapters: N.
        settings: how they were trained, plain data; empty where nobody knows.
        base_model: what they were trained on; None where nobody knows.
        prompt_template: what it read, with "{input}"; None = a chat template, if a base is known.

    Raises:
        AdapterMismatch: not as many names and descriptions as adapters, or one without any.
    """

    names: tuple[str, ...]
    descriptions: tuple[tuple[str, ...], ...]
    adapters: LoraBatch
    settings: dict[str, Any] = field(default_factory=dict)
    base_model: str | None = None
    prompt_template: str | None = None

    def __post_init__(self) -> None:
        counts = len(self.names), len(self.descriptions), len(self.adapters)
        bare = [n for n, texts in zip(self.names, self.descriptions, strict=False) if not texts]
        if len(set(counts)) > 1 or bare or len(set(self.names)) != len(self.names):
            raise AdapterMismatch(
                "a library needs a different name and at least one description for every adapter, "
                f"got {counts[0]} names, {counts[1]} lists of descriptions and {counts[2]} "
                f"adapters; without any: {bare[:3]}"
            )

    def __len__(self) -> int:
        return len(self.names)

    def statistics(self) -> dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]:
        """Return key → (mean, std) of A and of B, `[layers, rank, d]` each.

        The deviation is unbiased, as in Text-to-LoRA's code.

        Raises:
            AdapterMismatch: fewer than two adapters, which have no spread.
        """
        if len(self) < 2:
            raise AdapterMismatch(f"z-scores need at least 2 adapters, got {len(self)}")
        return {
            m: (_spread(a), _spread(self.adapters.lora_b[m]))
            for m, a in self.adapters.lora_a.items()
        }

    def save(self, folder: Path) -> Path:
        """Write `library.safetensors`, whole or not at all; its path."""
        pairs = (("a", self.adapters.lora_a), ("b", self.adapters.lora_b))
        tensors = {
            f"{part}.{m}": t.detach().cpu().contiguous()
            for part, own in pairs
            for m, t in own.items()
        }
        about = {
            "config": asdict(self.adapters.config),
            "modules": list(self.adapters.lora_a),
            "paths": self.adapters.paths,
            "names": self.names,
            "descriptions": self.descriptions,
            "settings": self.settings,
            "base_model": self.base_model,
            "prompt_template": self.prompt_template,
        }
        replace_files(folder, {BANK: save(tensors, metadata={"library": json.dumps(about)})})
        return folder / BANK


def read_library(
    path: Path, descriptions: Mapping[str, Sequence[str]] | None = None
) -> LoraLibrary:
    """Read a bank (a file, or the folder that holds it) or a folder of PEFT folders.

    Args:
        descriptions: name → descriptions, instead of those that are stored.

    Raises:
        CheckpointError: there is nothing to read, or it is damaged.
        AdapterMismatch: the adapters differ in rank, scale, modules, shapes or paths, or one has no
            description.
    """
    bank = path / BANK if path.is_dir() else path
    if bank.is_file():
        return _read_bank(bank, descriptions or {})
    folders = sorted(p.parent for p in path.glob(f"*/{CONFIG_NAME}"))
    if not folders:
        raise CheckpointError(
            f"a library must be a {BANK} or a folder of PEFT folders, got {path}, which holds "
            "neither: `t2l train oracles` makes one"
        )
    adapters = [_read_adapter(folder) for folder in folders]
    names = tuple(folder.name for folder in folders)
    texts = tuple(
        tuple((descriptions or {}).get(folder.name) or _beside(folder)) for folder in folders
    )
    bases = {_base_of(folder) for folder in folders}
    return LoraLibrary(
        names,
        texts,
        LoraBatch.stack(adapters, names=names),
        base_model=bases.pop() if len(bases) == 1 else None,
    )


def _read_adapter(folder: Path) -> LoraWeights:
    try:
        return LoraWeights.from_pretrained(folder)
    except (AdapterFormatError, T2LError) as error:
        raise CheckpointError(f"the library's {folder.name} can't be read: {error}") from error


def _base_of(folder: Path) -> str | None:
    """What a PEFT folder that was read names as its base model."""
    named = json.loads((folder / CONFIG_NAME).read_text()).get("base_model_name_or_path")
    return named if isinstance(named, str) and named else None


def _beside(folder: Path) -> list[str]:
    for name in DESCRIPTIONS:
        if (folder / name).is_file():
            lines = (folder / name).read_text().splitlines()
            return [line.strip() for line in lines if line.strip()]
    return []


def _read_bank(path: Path, descriptions: Mapping[str, Sequence[str]]) -> LoraLibrary:
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["library"])
            fields = dict(about["config"])
            targets = fields.pop("target_modules")
            config = LoraConfig(targets if isinstance(targets, str) else tuple(targets), **fields)
            lora_a, lora_b = (
                {m: file.get_tensor(f"{part}.{m}") for m in about["modules"]} for part in "ab"
            )
        paths = about["paths"] and {m: tuple(p) for m, p in about["paths"].items()}
        names = tuple(about["names"])
        texts = tuple(
            tuple(descriptions.get(name) or own)
            for name, own in zip(names, about["descriptions"], strict=True)
        )
        adapters = LoraBatch(config, lora_a, lora_b, paths)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"the library {path} can't be read: {error}") from error
    known = {name: about.get(name) for name in ("base_model", "prompt_template")}
    return LoraLibrary(names, texts, adapters, about.get("settings") or {}, **known)


def _spread(stacked: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over adapters of `[layers, N, rank, d]`."""
    deviation, mean = torch.std_mean(stacked.float(), dim=1)
    return mean, deviation
