"""Folders of generators: `config.json` and `model.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from t2l_fast.encoders import EncoderAdapter
from t2l_fast.encoders.adapter import NAMES
from t2l_fast.encoders.name import digest_in
from t2l_fast.errors import CheckpointError, ConfigError, EncoderError, listed
from t2l_fast.files import replace_files
from t2l_fast.generators.config import DEFAULT_KIND, GeneratorConfig

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
ENCODER = "encoder_"
"""In front of the names of a fitted encoder's adapter files."""
_FILES = (
    CONFIG_NAME,
    WEIGHTS_NAME,
    f"{ENCODER}*",
    "args.yaml",
    "adapter_config.json",
    "adapter_model.safetensors",
    "hypermod.pt",
)
"""What is fetched of a folder on the hub."""
_CODEBOOK = ("task_encoder.embed", "task_encoder.embed_avg", "task_encoder.cluster_size")
_EXACT = ("code_mean", "code_std", *_CODEBOOK)
"""Kept in fp32: differences of large numbers follow, or averages of what is rarely seen."""
Config = TypeVar("Config", bound=GeneratorConfig)
BUNDLED = Path(__file__).parents[2] / "checkpoints"


def save(
    config: GeneratorConfig,
    state: Mapping[str, Tensor],
    folder: Path,
    dtype: torch.dtype | None,
    encoder_adapter: EncoderAdapter | None = None,
) -> None:
    """Write a generator's folder: `config.json`, `model.safetensors`, a fitted encoder's adapter.

    All files appear whole or not at all.

    Args:
        config: of the generator, written with its kind.
        state: parameters and buffers by name.
        folder: where to; created if needed.
        dtype: of the weights; None = as they are. Codebook statistics keep theirs.
        encoder_adapter: of a fitted encoder.

    Raises:
        CheckpointError: `config.encoder` names an adapter, and there is none to write.
    """
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
    plain = {"kind": config.kind} | config.to_dict()
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


def read_config(folder: Path) -> dict[str, Any]:
    """Return what `config.json` of a folder holds.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    try:
        plain = json.loads((folder / CONFIG_NAME).read_text())
        if not isinstance(plain, dict):
            raise ValueError("it must hold a JSON object")
    except (OSError, ValueError) as error:
        raise _unreadable(folder, error) from error
    return plain


def load(folder: Path, config_class: type[Config]) -> tuple[Config, dict[str, Tensor]]:
    """Return config and fp32 weights of a folder.

    Raises:
        CheckpointError: a file is missing or damaged, or of another kind.
    """
    plain = read_config(folder)
    kind = plain.pop("kind", DEFAULT_KIND)
    try:
        if kind != config_class.kind:
            raise ConfigError(f"kind must be {config_class.kind!r}, got {kind!r}")
        config = config_class.from_dict(plain)
        tensors = load_tensors((folder / WEIGHTS_NAME).read_bytes())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, SafetensorError) as error:
        raise _unreadable(folder, error) from error
    return config, {name: t.float() for name, t in tensors.items()}


def _unreadable(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"a generator's checkpoint must hold {CONFIG_NAME} and {WEIGHTS_NAME}, but {folder} can't "
        f"be read: {error}"
    )


def digest_of(config: GeneratorConfig) -> str | None:
    """Return the DIGEST that `config.encoder` names as "minilm+DIGEST", None if it names none."""
    return digest_in(config.encoder or "")


def encoder_adapter(config: GeneratorConfig, folder: Path) -> EncoderAdapter | None:
    """Read the fitted encoder's adapter, which lies beside the weights.

    Raises:
        CheckpointError: the adapter is missing or damaged, or another than `config.encoder` names.
    """
    digest = digest_of(config)
    if digest is None:
        return None
    try:
        adapter = EncoderAdapter.read(folder, ENCODER)
    except EncoderError as error:
        raise CheckpointError(str(error)) from error
    if adapter.digest != digest:
        raise CheckpointError(
            f"the encoder's adapter in {folder} must be {digest}, as {CONFIG_NAME} has it, got "
            f"{adapter.digest}: the files are of different checkpoints"
        )
    return adapter


def check_state(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], name: str) -> None:
    """Raise unless all tensors are there, no other, and of the shapes that the config says.

    Args:
        wanted: tensors as the config says, for their names and shapes.
        got: tensors as the file has them.
        name: of the checkpoint, for the message.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape.
    """
    odd = sorted(wanted.keys() ^ got.keys())
    odd += [k for k in wanted.keys() & got.keys() if wanted[k].shape != got[k].shape]
    if odd:
        raise CheckpointError(
            f"the weights of {name} must fit its config, got {len(odd)} tensors that are missing, "
            f"unknown or of another shape, such as {odd[0]}"
        )


def find(name: str | Path) -> Path:
    """Return the folder of a bundled name, a folder, or a hub name (owner/name[/folder]).

    Raises:
        CheckpointError: there is none, or the hub can't be reached.
    """
    bundled = BUNDLED / str(name)
    if (bundled / CONFIG_NAME).is_file():
        return bundled
    if Path(name).is_dir():
        return Path(name)
    if isinstance(name, str) and "/" in name and not name.startswith((".", "/", "~")):
        return _download(name)
    raise CheckpointError(
        f"a generator must be one of {listed(bundled_names())}, a folder, or a name on the "
        f"Hugging Face hub, got {str(name)!r}"
    )


def bundled_names() -> list[str]:
    """List the checkpoints that come with the package."""
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
