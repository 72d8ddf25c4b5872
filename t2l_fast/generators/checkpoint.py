"""Folders of generators: `config.json` and `model.safetensors`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from t2l_fast.encoders import EncoderAdapter
from t2l_fast.encoders.adapter import DIGEST, JOINT, NAMES
from t2l_fast.errors import CheckpointError, ConfigError, EncoderError
from t2l_fast.files import replace_files
from t2l_fast.generators import sakana
from t2l_fast.generators.config import T2LConfig

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
ENCODER = "encoder_"
"""In front of the names of a fitted encoder's adapter files."""
_FILES = (CONFIG_NAME, WEIGHTS_NAME, f"{ENCODER}*", sakana.ARGS, sakana.ADAPTER, sakana.WEIGHTS)
_CODEBOOK = ("task_encoder.embed", "task_encoder.embed_avg", "task_encoder.cluster_size")
_EXACT = ("code_mean", "code_std", *_CODEBOOK)
"""Kept in fp32: differences of large numbers follow, or averages of what is rarely seen."""
BUNDLED = Path(__file__).parents[1] / "checkpoints"


def save(
    config: T2LConfig,
    state: Mapping[str, Tensor],
    folder: Path,
    dtype: torch.dtype | None,
    encoder_adapter: EncoderAdapter | None = None,
) -> None:
    tensors = {
        name: t.detach().cpu().to((dtype if name not in _EXACT else None) or t.dtype).contiguous()
        for name, t in state.items()
    }
    digest = digest_of(config)
    if digest is not None and encoder_adapter is None:
        raise CheckpointError(
            f"a generator behind the encoder {config.encoder!r} is saved with its adapter, got "
            "another or none: load the encoder that config.encoder names"
        )
    plain = {"kind": "text_to_lora"} | config.to_dict()
    replace_files(
        folder,
        {
            WEIGHTS_NAME: save_tensors(tensors, metadata={"format": "pt"}),
            CONFIG_NAME: (json.dumps(plain, indent=1) + "\n").encode(),
            **({} if encoder_adapter is None else encoder_adapter.files(ENCODER)),
        },
    )
    for name in NAMES if encoder_adapter is None else ():
        (folder / f"{ENCODER}{name}").unlink(missing_ok=True)


def load(folder: Path) -> tuple[T2LConfig, dict[str, Tensor]]:
    """Config and fp32 weights of a folder."""
    try:
        plain = json.loads((folder / CONFIG_NAME).read_text())
        if plain.pop("kind") != "text_to_lora":
            raise ConfigError("kind must be 'text_to_lora'")
        config = T2LConfig.from_dict(plain)
        tensors = load_tensors((folder / WEIGHTS_NAME).read_bytes())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointError(
            f"a Text-to-LoRA checkpoint must hold {CONFIG_NAME} and {WEIGHTS_NAME}, but {folder} "
            f"can't be read: {error}"
        ) from error
    return config, {name: t.float() for name, t in tensors.items()}


def digest_of(config: T2LConfig) -> str | None:
    """Of the adapter that `config.encoder` names: "minilm+DIGEST"; None = it names none."""
    _, joint, digest = (config.encoder or "").rpartition(JOINT)
    return digest if joint and re.fullmatch(DIGEST, digest) else None


def encoder_adapter(config: T2LConfig, folder: Path) -> EncoderAdapter | None:
    """The adapter of a fitted encoder, which lies beside the weights."""
    digest = digest_of(config)
    if digest is None:
        return None
    try:
        found = EncoderAdapter.read(folder, ENCODER)
    except EncoderError as error:
        raise CheckpointError(str(error)) from error
    if found.digest != digest:
        raise CheckpointError(
            f"the encoder's adapter in {folder} must be {digest}, as {CONFIG_NAME} has it, got "
            f"{found.digest}: the files are of different checkpoints"
        )
    return found


def check_state(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], name: str) -> None:
    """Raise unless all tensors are there, no other, and of the shapes that the config says."""
    odd = sorted(wanted.keys() ^ got.keys())
    odd += [k for k in wanted.keys() & got.keys() if wanted[k].shape != got[k].shape]
    if odd:
        raise CheckpointError(
            f"the weights of {name} must fit its config, got {len(odd)} tensors that are missing, "
            f"unknown or of another shape, such as {odd[0]}"
        )


def find(name: str | Path) -> Path:
    """The folder of a bundled name, a folder, or a name on the hub (owner/name[/folder])."""
    bundled = BUNDLED / str(name)
    if (bundled / CONFIG_NAME).is_file():
        return bundled
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name, str) and "/" in name and not name.startswith((".", "/", "~")):
        return _download(name)
    raise CheckpointError(
        f"a Text-to-LoRA checkpoint must be one of {bundled_names()}, a folder, or a name on the "
        f"Hugging Face hub, got {str(name)!r}"
    )


def bundled_names() -> list[str]:
    """Checkpoints that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG_NAME}"))


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    owner, repository, *below = name.split("/")
    folder = "/".join(below)
    try:
        local = snapshot_download(
            f"{owner}/{repository}", allow_patterns=[f"{folder}/{n}".lstrip("/") for n in _FILES]
        )
        return Path(local) / folder
    except Exception as error:  # the hub raises many kinds; all mean that it is not to be had
        reason = str(error).split("\n", 1)[0]
        raise CheckpointError(
            f"the checkpoint {name!r} is neither a folder nor on the Hugging Face hub as seen from "
            f"here: {reason}"
        ) from error
