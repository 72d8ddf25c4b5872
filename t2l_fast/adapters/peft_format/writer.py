"""Write a PEFT folder."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save
from torch import Tensor

from t2l_fast.adapters.peft_format.names import CONFIG_NAME, PREFIX, WEIGHTS_NAME
from t2l_fast.adapters.peft_format.origin import Origin
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch
from t2l_fast.files import replace_files


class ModuleWeights(NamedTuple):
    """One module of an adapter: A `[rank, in]`, B `[rank, out]`, and DoRA's magnitude `[out]`."""

    path: str
    a: Tensor
    b: Tensor
    scaling: float
    magnitude: Tensor | None
    embedding: bool


def write(
    config: LoraConfig, modules: Sequence[ModuleWeights], whole: bool, origin: Origin, folder: Path
) -> None:
    """Write both files under temporary names, then rename them together.

    Args:
        config: of the adapter; modules of another rank or scale go into PEFT's patterns.
        modules: what has weights.
        whole: whether `modules` are all that `config.target_modules` picks; else they are named.
        origin: base model and task.

    Raises:
        AdapterMismatch: some modules have magnitudes, and others none.
        OSError: the folder can't be written.
    """
    with_magnitude = sum(m.magnitude is not None for m in modules)
    if with_magnitude not in (0, len(modules)):
        raise AdapterMismatch(
            f"PEFT's use_dora covers all modules or none, got magnitudes for {with_magnitude} of "
            f"{len(modules)}: write two adapters"
        )
    fields = config.to_dict() | {
        "inference_mode": True,
        "base_model_name_or_path": origin.base_model,
        "revision": origin.revision,
        "task_type": origin.task_type,
        "auto_mapping": origin.auto_mapping,
        **({"use_dora": True} if with_magnitude else {}),
        **_patterns(config, modules),
        **({} if whole else {"target_modules": [m.path for m in modules]}),
    }
    replace_files(
        folder,
        {
            WEIGHTS_NAME: save(dict(_tensors(modules)), metadata={"format": "pt"}),
            CONFIG_NAME: (json.dumps(fields, indent=2) + "\n").encode(),
        },
    )


def _tensors(modules: Sequence[ModuleWeights]) -> Iterator[tuple[str, Tensor]]:
    for path, a, b, _, magnitude, embedding in modules:
        names = ("embedding_A", "embedding_B") if embedding else ("A.weight", "B.weight")
        yield f"{PREFIX}{path}.lora_{names[0]}", a.detach().cpu().clone()
        yield f"{PREFIX}{path}.lora_{names[1]}", b.detach().cpu().T.contiguous()
        if magnitude is not None:
            yield f"{PREFIX}{path}.lora_magnitude_vector", magnitude.detach().cpu().clone()


def _patterns(config: LoraConfig, modules: Sequence[ModuleWeights]) -> Mapping[str, Any]:
    """Return `r` and `lora_alpha` of most modules, and patterns by path for the others."""
    if all(len(m.a) == config.rank and m.scaling == config.scaling for m in modules):
        return {}
    root = math.sqrt if config.use_rslora else float
    alphas = [float(f"{m.scaling * root(len(m.a)):.12g}") for m in modules]
    (rank, alpha), _ = Counter(
        (len(m.a), alpha) for m, alpha in zip(modules, alphas, strict=True)
    ).most_common(1)[0]
    pairs = list(zip(modules, alphas, strict=True))
    return {
        "r": rank,
        "lora_alpha": alpha,
        "rank_pattern": {m.path: len(m.a) for m, _ in pairs if len(m.a) != rank},
        "alpha_pattern": {m.path: own for m, own in pairs if own != alpha},
    }
