"""`--init`: a run that goes on from a generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from t2l_fast.cli.generator import options_of_kind
from t2l_fast.cli.settings import given
from t2l_fast.errors import ArgumentError
from t2l_fast.generators import GeneratorConfig, registration
from t2l_fast.generators.parts import files
from t2l_fast.generators.registry import kind_of

if TYPE_CHECKING:
    import torch

    from t2l_fast.encoders import TextEncoder


def config_of(name: str) -> GeneratorConfig:
    """Return the config of a generator to go on from, without its encoder.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    folder = files.find(name)
    model = registration(kind_of(folder)).model
    return model.from_pretrained(folder, **model.training_options(folder)).config


def encoder_of(
    option: str,
    generator: Any,
    cache: Path,
    *,
    device: torch.device | None = None,
    trust_remote_code: bool = False,
) -> tuple[TextEncoder, bool]:
    """Return the encoder of a run, with a cache in front, and whether it is the generator's own.

    Args:
        option: as `--encoder` has it, or as the generator's config.
        generator: what `--init` named, its encoder loaded.
        cache: file of embeddings.
        device: of another encoder.
        trust_remote_code: as for `load_encoder`.

    Raises:
        ConfigError: it is another encoder, which the generator can't adopt.
        EncoderError: there is none of that name.
    """
    from t2l_fast.encoders import CachedEncoder, load_encoder

    config: Any = generator.config
    if option == config.encoder:
        return CachedEncoder(generator.encoder, cache), True
    loaded = load_encoder(option, device=device, trust_remote_code=trust_remote_code)
    encoder = CachedEncoder(loaded, cache)
    same = config.encoder in (None, encoder.name)
    if not same:
        generator.check_adoptable()
    return encoder, same


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
    if given(context, "encoder") and context.params["preset"] is None:
        values["encoder"] = context.params["encoder"]  # it may be another: `Generator.adopt`
    for name, value in values.items():
        if given(context, name) and context.params[name] != value:
            flag = "--" + name.replace("_", "-")
            raise ArgumentError(
                f"{flag} must be what the generator of --init {init} has, {value!r}, got "
                f"{context.params[name]!r}: leave it out"
            )
    start = context.params["start"] if given(context, "start") else "given"
    if given(context, "prompt") or start == "conditioned":
        flag = "--prompt" if given(context, "prompt") else "--start conditioned"
        raise ArgumentError(
            f"{flag} is for new generators, but --init {init} goes on from one: leave it out"
        )
    return values | {"start": start}
