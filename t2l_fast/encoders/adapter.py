"""EncoderAdapter: a LoRA that a text encoder was fitted with, as PEFT writes it."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors

from t2l_fast.errors import EncoderError
from t2l_fast.files import replace_files

NAMES = CONFIG_NAME, WEIGHTS_NAME = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class EncoderAdapter:
    """The two files of a PEFT folder.

    Fields:
        config: `adapter_config.json`.
        weights: `adapter_model.safetensors`.
    """

    config: bytes
    weights: bytes

    @property
    def digest(self) -> str:
        """Stands in names of encoders: equal only if their embeddings are."""
        return hashlib.sha256(self.config + self.weights).hexdigest()[:12]

    @classmethod
    def read(cls, folder: str | Path, prefix: str = "") -> EncoderAdapter:
        """Read the folder that `write` wrote.

        Raises:
            EncoderError: a file is missing.
        """
        try:
            parts = [(Path(folder) / f"{prefix}{name}").read_bytes() for name in NAMES]
        except OSError as error:
            raise EncoderError(
                f"an encoder's adapter must be a folder with {prefix}{CONFIG_NAME} and "
                f"{prefix}{WEIGHTS_NAME}, as `t2l train encoder` writes it, got {folder}: {error}"
            ) from error
        return cls(*parts)

    def files(self, prefix: str = "") -> dict[str, bytes]:
        """Return file contents by name."""
        return {f"{prefix}{CONFIG_NAME}": self.config, f"{prefix}{WEIGHTS_NAME}": self.weights}

    def write(self, folder: str | Path) -> None:
        """Write a PEFT folder; both files appear whole or not at all."""
        replace_files(Path(folder), self.files())

    def merge_into(self, model: Any) -> None:
        """Add the LoRA to the weights of a transformers model, for good.

        Raises:
            EncoderError: it is damaged, or made for another model.
        """
        import peft

        try:
            config = peft.PeftConfig.from_peft_type(**json.loads(self.config))
            tensors = load_tensors(self.weights)
            wrapped = with_lora(model, config)
            result = peft.set_peft_model_state_dict(wrapped, tensors)
            lacking = [k for k in result.missing_keys if "lora_" in k]
            if result.unexpected_keys or lacking:
                odd = [*result.unexpected_keys, *lacking]
                raise ValueError(f"{len(odd)} tensors that don't fit, such as {odd[0]}")
            wrapped.merge_and_unload()
        except (ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).strip().split("\n", 1)[0]
            raise EncoderError(
                f"an encoder's adapter must be a LoRA of that encoder, got one that can't be "
                f"loaded into {type(model).__name__}: {reason}"
            ) from error


def with_lora(model: Any, config: Any) -> Any:
    """Return a transformers model as a `PeftModel` with a new LoRA.

    Args:
        model: of transformers.
        config: a `peft.LoraConfig`.
    """
    import peft

    with warnings.catch_warnings():
        # peft reads it, transformers deprecates it, and neither is a user's doing
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        return peft.get_peft_model(model, config)
