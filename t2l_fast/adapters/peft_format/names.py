"""Names of files and tensors in a PEFT folder, in all layouts that are about."""

from __future__ import annotations

import re
from typing import NamedTuple

from t2l_fast.errors import AdapterFormatError

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
PICKLE_NAME = "adapter_model.bin"
INDEX_NAME = "adapter_model.safetensors.index.json"
"""Names the file of each tensor, where the weights are in several."""
SHARDS = "adapter_model-*.safetensors"
PREFIX = "base_model.model."

_LONGEST = 256
"""Characters of a module's path: finding keys takes time and memory by its square."""

_WRAPPERS = frozenset({"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
"""What torch.compile, FSDP and activation checkpointing put into a module's path."""

_TENSOR = re.compile(
    r"(?P<path>.+)\.lora_(?P<part>A|B|embedding_A|embedding_B|magnitude_vector)(?:\.(?!bias\Z)(?P<adapter>[^.]+?))??(?:\.weight)?"
)
_OTHER_LORA = re.compile(r"(?:.+\.)?(?P<part>lora_[A-Za-z_]+)(?:\..*)?")
_IGNORED = ("lora_velora_",)
"""Tensors that matter to backward alone."""


class TensorName(NamedTuple):
    """What a tensor of a file is.

    Fields:
        path: of its module, or of the base parameter that it copies.
        part: "A", "B", "magnitude" (DoRA), or "copy" of a base parameter.
        embedding: whether the module is an embedding.
    """

    path: str
    part: str
    embedding: bool = False


def parse(name: str) -> TensorName | None:
    """Return what a tensor is by its name; None for one that doesn't matter.

    Raises:
        AdapterFormatError: it is of a kind that is not run here, or the name is too long.
    """
    bare = name
    while bare.startswith(PREFIX):
        bare = bare.removeprefix(PREFIX)
    bare = ".".join(part for part in bare.split(".") if part not in _WRAPPERS)
    bare = bare.removeprefix("module.")
    if len(bare) > _LONGEST:
        raise AdapterFormatError(
            f"a module's path must have up to {_LONGEST} characters, got {len(bare)}"
        )
    match = _TENSOR.fullmatch(bare)
    if match is not None:
        part = match["part"].removeprefix("embedding_")
        embedding = part != match["part"]
        return TensorName(match["path"], part if part in "AB" else "magnitude", embedding)
    other = _OTHER_LORA.fullmatch(bare)
    if other is None:
        return TensorName(bare.replace(".base_layer.", "."), "copy")
    if other["part"].startswith(_IGNORED):
        return None
    raise AdapterFormatError(
        f"lora_A, lora_B and DoRA's magnitudes are run, got {name[:_LONGEST]}: merge the adapter "
        "into the base model with PEFT"
    )
