"""The generator of a command: loaded, or new by its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from t2l_fast.cli.options import Fields
from t2l_fast.errors import ArgumentError
from t2l_fast.generators import DEFAULT_KIND, Generator, GeneratorConfig, kinds, registration

if TYPE_CHECKING:
    from t2l_fast.adapters import LoraWeights
    from t2l_fast.config import LoraConfig
    from t2l_fast.encoders import TextEncoder
    from t2l_fast.train import LoraLibrary

_NOT_OPTIONS = {*GeneratorConfig.__annotations__, "task_embedding_size", "head_bias", "z_scores"}
_NOT_OPTIONS.add("dropout")


def options_of_kind(kind: str) -> list[str]:
    """Return the fields of a kind's config that are options of new generators.

    Raises:
        ConfigError: there is no such kind.
    """
    names = (field.name for field in fields(registration(kind).config))  # pyright: ignore
    return [name for name in names if name not in _NOT_OPTIONS]


def _shape(*, but: str = "", **defaults: Any) -> Fields:
    """Options of every registered kind; of the default kind first.

    Args:
        but: a field to leave out.
        defaults: where they differ from those of `for_model`.
    """
    ordered = sorted(kinds(), key=lambda kind: kind != DEFAULT_KIND)
    names = {name for kind in ordered for name in options_of_kind(kind)} - {but}
    configs = tuple(registration(kind).config for kind in ordered)
    usual = {k: v for config in reversed(configs) for k, v in config.option_defaults().items()}
    return Fields(configs, only=tuple(sorted(names)), defaults=usual | defaults)


Shape = Annotated[dict, _shape(head_in_size=384)]
"""Width 384 is the bundled checkpoint's, for the small base model that is the default here."""
ReconShape = Annotated[dict, _shape(but="standardise_codes")]
"""The usual width is also the published reconstruction runs'."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a trained generator is loaded.

    Args:
        trust_remote_code: run code that the text encoder brings, as gte-large of the presets does.
    """

    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointOptions(LoadOptions):
    """Which trained generator is loaded, and how.

    Args:
        checkpoint: generator: "smollm2", a folder, or a name on the hub.
    """

    checkpoint: str = "smollm2"


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
        generator: kind of what is trained, of those that `t2l generators` lists.
        base: base model.
        init: go on from this generator: a folder, or a name as `t2l eval` takes it. It decides
            base, prompt and its own shape, and the encoder unless another is named.
        offset_from: PEFT folder that offsets start at: one LoRA for all tasks.
    """

    generator: str = DEFAULT_KIND
    base: str = "smollm2"
    init: str | None = None
    offset_from: Path | None = None


KIND_HELP = f"Kind of what is trained: {', '.join(kinds())}; `t2l generators` says more."
"""Help of `--generator`."""


def check_offset(context: typer.Context) -> None:
    """Check that `--offset-from` meets a generator with offsets.

    Raises:
        ArgumentError: it does not.
        ConfigError: there is no such kind of generator.
    """
    offset, kind = context.params["offset"], context.params["generator"]
    able = "offset" in options_of_kind(kind)
    if context.params["offset_from"] is not None and (offset == "none" or not able):
        with_offsets = [name for name in kinds() if "offset" in options_of_kind(name)]
        raise ArgumentError(
            f"--offset-from needs --generator {' or '.join(with_offsets)} and --offset fixed or "
            f"learnable, got {kind} and {offset}"
        )


def new(
    options: Mapping[str, Any],
    model: Any,
    lora: LoraConfig,
    encoder: TextEncoder,
    template: str | None,
) -> Generator:
    """Return a new generator for a model.

    Args:
        options: of `t2l train sft`, by name.
        model: the base model.
        lora: form of the adapters.
        encoder: what embeds descriptions.
        template: what the base model reads.

    Raises:
        AdapterMismatch: `offset_from` holds adapters of another rank or other modules.
        ConfigError, SiteNotFound: options don't fit each other, or the model.
    """
    from t2l_fast.adapters import LoraWeights, find_sites

    offset_from = options["offset_from"]
    kind = registration(options["generator"])
    decided = {
        "task_embedding_size": encoder.dim,
        "base_model": options["base"],
        "encoder": encoder.name,
        "prompt_template": template,
        # published heads have none over a multi-task LoRA, but a conditioned start reads it
        "head_bias": offset_from is None or options["start"] == "conditioned",
    }
    decided |= {name: options[name] for name in options_of_kind(kind.kind)}
    config = kind.config.for_model(model, lora=lora, **_known(kind.config, decided))
    generator: Any = kind.model(config, encoder=encoder)  # pyright: ignore[reportCallIssue]
    if offset_from is not None:
        sites = find_sites(model, config.lora.target_modules)
        offsets: LoraWeights = LoraWeights.from_pretrained(offset_from).for_sites(sites)
        generator.start_at_adapter(offsets)
    return generator


def for_library(
    kind: str, library: LoraLibrary, encoder: TextEncoder, options: Mapping[str, Any]
) -> Any:
    """Return a new generator of a library's adapters.

    Args:
        kind: of the generator.
        library: what it gives back.
        encoder: what embeds its descriptions.
        options: further fields of the generator's config; those of other kinds are left out.

    Raises:
        ConfigError: there is no such kind, or options don't fit each other.
    """
    entry, shapes = registration(kind), library.adapters.module_shapes
    decided = {
        "task_embedding_size": encoder.dim,
        "num_layers": next(iter(shapes.values()))[0],
        "module_shapes": {m: sizes[1:] for m, sizes in shapes.items()},
        "module_paths": library.adapters.paths,
        "lora": library.adapters.config,
        "encoder": encoder.name,
    }
    config = entry.config(**_known(entry.config, {**options, **decided}))
    return entry.model(config, encoder=encoder)  # pyright: ignore[reportCallIssue]


def _known(config: type[GeneratorConfig], values: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that a config has fields for."""
    names = {field.name for field in fields(config)}  # pyright: ignore[reportArgumentType]
    return {name: value for name, value in values.items() if name in names}
