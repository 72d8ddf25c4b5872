"""Kinds of generators by name, and AutoGenerator, which loads any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import CheckpointError, ConfigError, listed
from t2l_fast.generators.base import Condition, Generator, GeneratorConfig
from t2l_fast.generators.config import DEFAULT_KIND
from t2l_fast.generators.parts import files


@dataclass(frozen=True)
class Registration:
    """One kind of generator.

    Fields:
        kind: as `config.json` and `--generator` have it.
        config: class of its config.
        model: its class.
        condition: what `model.encode` reads.
        summary: one sentence for lists.
        reads: whether a folder without `kind` in `config.json` is one of this kind.
    """

    kind: str
    config: type[GeneratorConfig]
    model: type[Generator]
    condition: Condition
    summary: str
    reads: Callable[[Path], bool]


_REGISTERED: dict[str, Registration] = {}


def register(
    *,
    kind: str,
    config: type[GeneratorConfig],
    model: type[Generator],
    summary: str = "",
    reads: Callable[[Path], bool] = lambda folder: False,
) -> Registration:
    """Add a kind of generator.

    Args:
        kind: its name, which `model.kind` must equal.
        reads: whether a folder that another program wrote is one of this kind.

    Raises:
        ConfigError: the name is taken by another class, or isn't the model's.
    """
    taken = _REGISTERED.get(kind)
    if taken is not None and taken.model is not model:
        raise ConfigError(f"kind {kind!r} is taken by {taken.model.__name__}: use another name")
    if model.kind != kind:
        raise ConfigError(f"the model's kind must be {kind!r}, got {model.kind!r}")
    entry = Registration(kind, config, model, model.condition, summary, reads)
    _REGISTERED[kind] = entry
    return entry


def registration(kind: str) -> Registration:
    """Return what is registered under a name.

    Raises:
        ConfigError: nothing is.
    """
    if kind not in _REGISTERED:
        raise ConfigError(f"the kind of a generator must be one of {listed(kinds())}, got {kind!r}")
    return _REGISTERED[kind]


def kinds() -> tuple[str, ...]:
    """Return all registered names, sorted."""
    return tuple(sorted(_REGISTERED))


class AutoGenerator:
    """Loads a generator of any registered kind."""

    def __init__(self) -> None:
        raise TypeError("AutoGenerator is loaded by from_pretrained, not made")

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        *,
        device: torch.device | str | None = None,
        trust_remote_code: bool = False,
        encoder: TextEncoder | None = None,
        for_training: bool = False,
    ) -> Generator:
        """Load a generator in eval mode with its encoder ready.

        Args:
            name: a bundled name ("smollm2"), a folder, or a name on the Hugging Face hub.
            device: of the generator and its encoder; None = the CPU.
            trust_remote_code: run code that the encoder's checkpoint brings.
            encoder: instead of the one that the checkpoint names.
            for_training: of checkpoints whose published evaluation used another scale than their
                training, take the scale of training.

        Raises:
            CheckpointError: there is no such checkpoint, it is damaged, or of an unknown kind.
            EncoderError: the encoder can't be loaded.
        """
        folder = files.find(name)
        model = registration(kind_of(folder)).model
        extra = model.training_options(folder) if for_training else {}
        generator = model.from_pretrained(folder, encoder=encoder, **extra)
        if encoder is None:
            generator.load_encoder(device=device, trust_remote_code=trust_remote_code)
        return generator if device is None else generator.to(device)


def kind_of(folder: Path) -> str:
    """Return the kind of a folder; one without `kind` in its config is of DEFAULT_KIND.

    Raises:
        CheckpointError: its config can't be read, or names an unknown kind.
    """
    for entry in _REGISTERED.values():
        if entry.reads(folder):
            return entry.kind
    kind = files.read_config(folder).get("kind", DEFAULT_KIND)
    if kind not in _REGISTERED:
        raise CheckpointError(
            f"the kind in {folder / files.CONFIG_NAME} must be one of {listed(kinds())}, "
            f"got {kind!r}"
        )
    return kind
