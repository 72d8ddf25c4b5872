"""The generator that a run trains: a new one by its options, or one that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from t2l_fast.cli.options import Fields
from t2l_fast.cli.settings import given
from t2l_fast.errors import ArgumentError
from t2l_fast.generators import T2LConfig

if TYPE_CHECKING:
    import torch

    from t2l_fast.encoders import TextEncoder
    from t2l_fast.generators import MultiTaskLora, TextToLora
    from t2l_fast.train import LoraLibrary

_SHAPE = (
    "arch", "task_encoder", "rank_rows", "rank_positions", "offset", "latent_size", "head_in_size",
)  # fmt: skip
_SIZES = {"arch": "L", "latent_size": 128}
Shape = Annotated[
    dict,
    Fields(T2LConfig, only=(*_SHAPE, "standardise_codes"), defaults=_SIZES | {"head_in_size": 384}),
]
"""Width 384 is the bundled checkpoint's, for the small base model that is the default here."""
ReconShape = Annotated[
    dict, Fields(T2LConfig, only=_SHAPE, defaults=_SIZES | {"head_in_size": 512})
]
"""Width 512 is the published reconstruction runs'."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a trained generator is loaded.

    Args:
        trust_remote_code: run code that the text encoder brings, as gte-large of the presets does.
    """

    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class EncoderOptions(LoadOptions):
    """What embeds descriptions.

    Args:
        encoder: text encoder: minilm, a sentence-transformers model, either +FOLDER of
            `t2l train encoder`, or causal:MODEL.
    """

    encoder: str = "minilm"


@dataclass(frozen=True, slots=True)
class NewOptions(EncoderOptions):
    """Which generator a run trains.

    Args:
        generator: what is trained; multi_task_lora is one LoRA for all tasks.
        base: base model.
        init: go on from this generator: a folder, or a name as `t2l eval` takes it. It decides
            base, prompt and its own shape, and the encoder unless another is named.
        offset_from: PEFT folder that offsets start at: what multi_task_lora gave.
    """

    generator: Literal["text_to_lora", "multi_task_lora"] = "text_to_lora"
    base: str = "smollm2"
    init: str | None = None
    offset_from: Path | None = None


def load(name: str) -> TextToLora:
    """A generator to train on; of Sakana's with the scale that it was trained with.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    from t2l_fast.generators import TextToLora, checkpoint, sakana

    scaling = "train" if sakana.is_sakana(checkpoint.find(name)) else None
    return TextToLora.from_pretrained(name, scaling=scaling)


def load_own_encoder(
    generator: TextToLora,
    *,
    device: torch.device | None = None,
    trust_remote_code: bool = False,
) -> None:
    """Load what embeds a generator's texts now, as the options say; one-hot ones need nothing.

    Raises:
        EncoderError: there is none of that name.
    """
    from t2l_fast.encoders import load_encoder

    name = generator.config.encoder
    if name is not None and not generator.config.task_names:
        fitted = generator.encoder_adapter
        generator.use_encoder(
            load_encoder(name, adapter=fitted, device=device, trust_remote_code=trust_remote_code)
        )


def encoder_of(
    option: str,
    goes_on: TextToLora | None,
    cache: Path,
    *,
    device: torch.device | None = None,
    trust_remote_code: bool = False,
) -> tuple[TextEncoder, bool]:
    """The encoder of a run, with a cache in front, and whether the generator's own.

    Args:
        option: as `--encoder` has it, or as the generator's config.
        goes_on: what `--init` named; None = a new generator.
        device, trust_remote_code: as for `load_encoder`.

    Raises:
        ConfigError: it is another encoder, which the generator can't adopt.
        EncoderError: there is none of that name.
    """
    from t2l_fast.encoders import CachedEncoder, load_encoder
    from t2l_fast.train import check_adoptable

    config = None if goes_on is None else goes_on.config
    as_it_was = config is not None and option == config.encoder
    fitted = goes_on.encoder_adapter if as_it_was else None
    loaded = load_encoder(
        option, adapter=fitted, device=device, trust_remote_code=trust_remote_code
    )
    encoder = CachedEncoder(loaded, cache)
    if config is None:
        return encoder, False
    own = as_it_was or config.encoder in (None, encoder.name)
    if not own:
        check_adoptable(config)
    return encoder, own


def options_of(config: T2LConfig) -> dict[str, Any]:
    """What the options would have to be for a new generator of this kind."""
    targets = config.lora.target_modules
    found = {
        "base": config.base_model,
        "encoder": config.encoder,
        "target_modules": targets if isinstance(targets, str) else ",".join(targets),
        "rank": config.lora.rank,
        "alpha": config.lora.alpha,
        "lora_dropout": config.lora.dropout,
    }
    names = "standardise_codes arch task_encoder offset latent_size head_in_size rank_rows"
    found |= {name: getattr(config, name) for name in [*names.split(), "rank_positions"]}
    return {name: value for name, value in found.items() if value is not None}


def decided_by(context: typer.Context, init: str, config: T2LConfig) -> dict[str, Any]:
    """Options that a generator to go on from decides.

    Raises:
        ArgumentError: an option was given that asks for something else.
    """
    held = options_of(config) | {"generator": "text_to_lora", "offset_from": None}
    if given(context, "encoder") and context.params["preset"] is None:
        held["encoder"] = context.params["encoder"]  # it may be another: `adopt_encoder`
    for name, value in held.items():
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
    return held | {"start": start}


def check_offset(context: typer.Context) -> None:
    """Check that `--offset-from` meets a generator with offsets.

    Raises:
        ArgumentError: it does not.
    """
    offset, kind = context.params["offset"], context.params["generator"]
    if context.params["offset_from"] is not None and (offset == "none" or kind != "text_to_lora"):
        raise ArgumentError(
            "--offset-from needs --generator text_to_lora and --offset fixed or learnable, got "
            f"{kind} and {offset}"
        )


def new(
    options: Mapping[str, Any], model: Any, encoder: TextEncoder, template: str | None
) -> TextToLora | MultiTaskLora:
    """A new generator for a model.

    Args:
        options: of `t2l train sft`, by name.
        template: what the base model reads.

    Raises:
        AdapterMismatch: `offset_from` holds adapters of another rank or other modules.
        ConfigError, SiteNotFound: options don't fit each other, or the model.
    """
    from t2l_fast.adapters import LoraWeights, find_sites
    from t2l_fast.config import LoraConfig
    from t2l_fast.generators import MultiTaskLora, TextToLora, offset_init

    offset_from = options["offset_from"]
    targets = tuple(options["target_modules"].split(","))
    names = "arch latent_size head_in_size standardise_codes task_encoder offset rank_rows"
    shape = T2LConfig.for_model(
        model,
        lora=LoraConfig(
            targets,
            options["rank"],
            options["alpha"],
            use_rslora=True,
            dropout=options["lora_dropout"],
        ),
        task_embedding_size=encoder.dim,
        base_model=options["base"],
        encoder=encoder.name,
        prompt_template=template,
        # published heads have none over a multi-task LoRA, but a conditioned start reads it
        head_bias=offset_from is None or options["start"] == "conditioned",
        **{name: options[name] for name in [*names.split(), "rank_positions"]},
    )
    if options["generator"] == "multi_task_lora":
        return MultiTaskLora(shape)
    made = TextToLora(shape, encoder=encoder)
    if offset_from is not None:
        sites = find_sites(model, shape.lora.target_modules)
        offset_init(made, LoraWeights.from_pretrained(offset_from).for_sites(sites))
    return made


def for_library(library: LoraLibrary, encoder: TextEncoder, **options: Any) -> TextToLora:
    """Return a new generator of a library's adapters.

    Args:
        library: what it gives back.
        encoder: what embeds its descriptions.
        options: further fields of the generator's config.

    Raises:
        ConfigError: options don't fit each other.
    """
    from t2l_fast.generators import TextToLora

    shapes = library.adapters.module_shapes
    config = T2LConfig(
        task_embedding_size=encoder.dim,
        num_layers=next(iter(shapes.values()))[0],
        module_shapes={m: sizes[1:] for m, sizes in shapes.items()},
        module_paths=library.adapters.paths,
        lora=library.adapters.config,
        encoder=encoder.name,
        **options,
    )
    return TextToLora(config, encoder=encoder)
