"""`--init`: a run that goes on from a generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from t2l_fast.cli.generator import options_of_kind
from t2l_fast.cli.settings import was_set
from t2l_fast.errors import ArgumentError
from t2l_fast.generators import GeneratorConfig, registration
from t2l_fast.generators.parts import files
from t2l_fast.generators.registry import kind_of

if TYPE_CHECKING:
    import torch

    from t2l_fast.generators import Generator


def config_of(name: str) -> GeneratorConfig:
    """Return the config of a generator to go on from, without its encoder.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    folder = files.find(name)
    model = registration(kind_of(folder)).model
    return model.from_pretrained(folder, **model.training_options(folder)).config


def generator_of(
    init: str,
    option: str,
    descriptions: Sequence[Sequence[str]],
    cache: Path,
    *,
    device: torch.device | None = None,
    trust_remote_code: bool = False,
) -> tuple[Generator, str]:
    """Return the generator of a run, behind the encoder that was asked for, and its origin.

    Args:
        init: as `--init` has it.
        option: as `--encoder` has it, or as the generator's config.
        descriptions: of every training task, by which another encoder is adopted.
        cache: file of embeddings.
        device: of the encoders.
        trust_remote_code: as for `load_encoder`.

    Returns:
        The generator, and the fingerprint of the one that `init` names.

    Raises:
        CheckpointError: there is no such generator, or it is damaged.
        ConfigError: it is another encoder, which the generator can't adopt.
        EncoderError: there is none of that name.
    """
    from t2l_fast.encoders import load_encoder
    from t2l_fast.generators import AutoGenerator
    from t2l_fast.train import adopt_encoder

    loading: Any = {"device": device, "trust_remote_code": trust_remote_code}
    generator = AutoGenerator.from_pretrained(init, for_training=True, **loading)
    origin, own = generator.fingerprint, generator.config.encoder
    if option == own:
        return generator, origin
    encoder = load_encoder(option, **loading)
    if own in (None, encoder.name):
        generator.use_encoder(encoder)
        return generator, origin
    generator.check_adoptable()
    return adopt_encoder(generator, encoder, descriptions, cache=cache), origin


def options_of(config: GeneratorConfig) -> dict[str, Any]:
    """Return what the options would have to be for a new generator of this shape."""
    targets = config.lora.target_modules
    values = {
        "base": config.base_model,
        "encoder": config.encoder,
        "target_modules": targets if isinstance(targets, str) else ",".join(targets),
        "rank": config.lora.rank,
        "alpha": config.lora.alpha,
        "lora_dropout": config.lora.dropout,
        "generator": config.kind,
    }
    values |= {name: getattr(config, name) for name in options_of_kind(config.kind)}
    return {name: value for name, value in values.items() if value is not None}


def decided_by(context: typer.Context, init: str, config: GeneratorConfig) -> dict[str, Any]:
    """Return the options that a generator to go on from decides.

    Raises:
        ArgumentError: an option was given that asks for something else.
    """
    values = options_of(config) | {"offset_from": None}
    if was_set(context, "encoder") and context.params["preset"] is None:
        values["encoder"] = context.params["encoder"]  # it may be another: `Generator.adopt`
    for name, value in values.items():
        if was_set(context, name) and context.params[name] != value:
            flag = "--" + name.replace("_", "-")
            raise ArgumentError(
                f"{flag} must be what the generator of --init {init} has, {value!r}, got "
                f"{context.params[name]!r}: leave it out"
            )
    start = context.params["start"] if was_set(context, "start") else "given"
    if was_set(context, "prompt") or start == "conditioned":
        flag = "--prompt" if was_set(context, "prompt") else "--start conditioned"
        raise ArgumentError(
            f"{flag} is for new generators, but --init {init} goes on from one: leave it out"
        )
    return values | {"start": start}
