"""The adapters of a warm start in a run's folder, for a run that resumes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from t2l_fast.adapters import LoraBatch
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, CheckpointError
from t2l_fast.files import replace_files
from t2l_fast.train.run.agreement import check_same
from t2l_fast.train.run.layout import ORACLES


def save_oracles(folder: Path, oracles: LoraBatch, run: Mapping[str, Any]) -> None:
    """Write the adapters of a warm start, so that a resumed run does not train them again.

    Args:
        folder: of the run; its file of adapters is replaced whole.
        oracles: N adapters; they are copied to the CPU.
        run: what a resumed run must agree with, plain data.
    """
    tensors = {f"a.{m}": t.cpu().contiguous() for m, t in oracles.lora_a.items()}
    tensors |= {f"b.{m}": t.cpu().contiguous() for m, t in oracles.lora_b.items()}
    replace_files(folder, {ORACLES: save(tensors, metadata={"run": json.dumps(dict(run))})})


def load_oracles(
    folder: Path, config: LoraConfig, modules: Iterable[str], run: Mapping[str, Any]
) -> LoraBatch | None:
    """Load what `save_oracles` wrote, on the CPU.

    Args:
        folder: of the run.
        config: of the adapters.
        modules: names of the adapted modules; the result has this order.
        run: what the file must agree with, plain data.

    Returns:
        The adapters, or None where the folder has no such file.

    Raises:
        CheckpointError: the file is damaged, or of another run.
    """
    path = folder / ORACLES
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            saved = json.loads((file.metadata() or {})["run"])
            names = list(modules)  # safetensors sorts what it stores
            lora_a, lora_b = ({m: file.get_tensor(f"{part}.{m}") for m in names} for part in "ab")
        oracles = LoraBatch(config, lora_a, lora_b)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AdapterMismatch) as error:
        raise CheckpointError(f"{path} can't be read: {error}; remove it to train again") from error
    check_same(saved, run, path)
    return oracles
