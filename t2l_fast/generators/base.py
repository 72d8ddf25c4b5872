"""Generator and GeneratorConfig: what training, evaluation, serving and commands may ask of any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from typing_extensions import Self

from t2l_fast.adapters import Bases, DeferredBatch, LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.sites import find_sites
from t2l_fast.config import LoraConfig
from t2l_fast.encoders import EncoderAdapter, TextEncoder
from t2l_fast.errors import ArgumentError, ConfigError

Condition = Literal["text", "shots", "input", "prompts", "document", "none"]
Start = Literal["plain", "conditioned"]
Statistics = Mapping[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]
"""Key → (mean, deviation) of A and of B, `[layers, rank, d]` each."""


class GeneratorConfig:
    """Base of generators' configs, which are frozen dataclasses with these fields.

    Fields:
        base_model: what the adapters are for, as `load_model` takes it.
        encoder: what embeds conditions, as `load_encoder` takes it; "one_hot" needs `task_names`.
        prompt_template: what the base model reads, with "{input}"; None = its chat template.
        lora: rank, scale and target modules of the adapters.
        num_layers: layers that carry adapters; the same for every module.
        module_shapes: site key → (in_features, out_features).
        module_paths: site key → module path of every layer, for PEFT folders.
        task_names: conditions of one-hot generators, in order.
    """

    __slots__ = ()
    kind: ClassVar[str]
    base_model: str | None
    encoder: str | None
    prompt_template: str | None
    lora: LoraConfig
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    module_paths: Mapping[str, tuple[str, ...]] | None
    task_names: tuple[str, ...]

    @classmethod
    def for_model(
        cls, model: nn.Module, *, lora: LoraConfig, exclude: tuple[str, ...] = (), **options: Any
    ) -> Self:
        """Return the config whose adapters fit `model`.

        Raises:
            ConfigError: the target modules occur in different numbers of layers.
            SiteNotFound, UnsupportedModel: as for `attach`.
        """
        return cls(lora=lora, **model_shape(model, lora, exclude), **options)  # pyright: ignore

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}  # pyright: ignore
        return plain | {"lora": self.lora.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave.

        Raises:
            ConfigError: a field is missing, unknown or out of its range.
        """
        every = fields(cls)  # pyright: ignore
        known = {field.name for field in every}
        needed = {f.name for f in every if f.default is f.default_factory is MISSING}
        if not needed <= plain.keys() <= known or not isinstance(plain["lora"], Mapping):
            raise ConfigError(
                f"a {cls.__name__} must hold {sorted(needed)}, optionally "
                f"{sorted(known - needed)}, got {sorted(plain)}"
            )
        try:
            return cls(**{**plain, "lora": LoraConfig.from_peft(plain["lora"])})
        except ConfigError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"a field of this {cls.__name__} has the wrong type: {error}"
            ) from None

    def _set(self, name: str, value: Any) -> None:
        """Normalise a field of a frozen config in `__post_init__`."""
        object.__setattr__(self, name, value)

    def _check_shapes(self) -> None:
        """Normalise and check the fields that every config has."""
        shapes = {m: tuple(shape) for m, shape in dict(self.module_shapes).items()}
        sizes = [n for shape in shapes.values() for n in shape]
        whole = all(type(n) is int and n > 0 for n in sizes)
        if not shapes or any(len(shape) != 2 for shape in shapes.values()) or not whole:
            raise ConfigError(
                f"module_shapes must map site keys to (in_features, out_features), got {shapes}"
            )
        self._set("module_shapes", shapes)
        self._set("task_names", tuple(self.task_names))
        if self.module_paths is not None:
            paths = {m: tuple(names) for m, names in self.module_paths.items()}
            if paths.keys() != shapes.keys() or {*map(len, paths.values())} != {self.num_layers}:
                raise ConfigError(
                    f"module_paths must hold {self.num_layers} paths for each of {list(shapes)}, "
                    f"got { ({m: len(p) for m, p in paths.items()}) }"
                )
            self._set("module_paths", paths)
        if self.prompt_template is not None and self.prompt_template.count("{input}") != 1:
            raise ConfigError(
                f"prompt_template must hold '{{input}}' once, got {self.prompt_template!r}"
            )

    def _check_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a positive integer, got {value!r}")


def model_shape(
    model: nn.Module, lora: LoraConfig, exclude: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return `num_layers`, `module_shapes` and `module_paths` of a model's sites.

    Raises:
        ConfigError: the target modules occur in different numbers of layers.
        SiteNotFound, UnsupportedModel: as for `attach`.
    """
    sites = find_sites(model, lora.target_modules, exclude=exclude)
    counts = {m: len(group) for m, group in sites.items()}
    if len({*counts.values()}) > 1:
        raise ConfigError(
            f"every target module must occur in as many layers as the others, got {counts}: "
            "exclude some"
        )
    return {
        "num_layers": next(iter(counts.values())),
        "module_shapes": {m: (g[0].in_features, g[0].out_features) for m, g in sites.items()},
        "module_paths": {m: tuple(site.path for site in g) for m, g in sites.items()},
    }


class Generator(nn.Module, AdapterGenerator):
    """A module that makes adapters; capabilities are methods with a default.

    A subclass gives `kind`, `code_shape`, `fingerprint`, `encode`, `adapters` and
    `save_pretrained`/`from_pretrained`. Everything else it overrides where it can do more.

    Fields:
        config: its shape.
        condition: what `encode` reads.
        differentiable_codes: gradients reach codes in eval mode (`fit_codes`).
        defers: `cut` and `deferred` work (`SFTConfig.recompute_weights`).
    """

    kind: ClassVar[str]  # pyright: ignore
    condition: ClassVar[Condition] = "none"
    config: Any
    defers: ClassVar[bool] = False

    # from codes to adapters

    def latents(self, codes: Tensor) -> Tensor:
        """Return what `adapters` reads for codes `[N, *code_shape]`; all randomness is here."""
        return codes

    def pick(self, latents: Tensor, chosen: Sequence[int]) -> Tensor:
        """Return the latents of some of N codes."""
        return latents.index_select(0, torch.tensor(chosen, device=latents.device))

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Return the adapters of latents, with their graph."""
        raise NotImplementedError

    def forward(self, codes: Tensor) -> LoraBatch:
        """Return the adapters of codes `[N, *code_shape]`, with their graph.

        Raises:
            ArgumentError: codes of another shape.
        """
        return self.adapters(self.latents(codes))

    @torch.no_grad()
    def generate(
        self, conditions: Sequence[Any] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        """Return the adapters of conditions or of codes, for inference: no graph, no dropout.

        Raises:
            ArgumentError: not exactly one of the two, or a wrong shape.
            EncoderError: a condition can't be embedded.
        """
        if (conditions is None) == (codes is None):
            raise ArgumentError("generate takes either conditions or codes, got both or neither")
        if isinstance(conditions, str):
            raise ArgumentError("conditions must be a list of descriptions, got a single str")
        if codes is None:
            codes = self.encode(conditions or ())
        with self.inference():
            return self(codes)

    @property
    def anchor(self) -> Tensor:
        """A weight whose device and dtype are those that codes are moved to."""
        return next(self.parameters())

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Run without dropout and autocast: an adapter does not depend on the caller's mode."""
        was_training = self.training
        self.eval()
        try:
            with torch.autocast(self.anchor.device.type, enabled=False):
                yield
        finally:
            self.train(was_training)

    # adapters of one site at a time

    def cut(self, latents: Tensor) -> dict[tuple[str, int], Tensor] | None:
        """Return latents by (module, layer) without copies, or None where `defers` is False."""
        return None

    def deferred(self, latents: dict[tuple[str, int], Tensor]) -> DeferredBatch | None:
        """Return adapters that are recomputed where a site reads them, or None."""
        return None

    # adapters over shared bases (`CoreGenerator`)

    def bases(self) -> Bases | None:
        """Return what all adapters share, or None: then slots hold A and B."""
        return None

    def shared_bases(self) -> Bases | None:
        """Return `bases()`."""
        return self.bases()

    def cores(self, codes: Tensor) -> LoraBatch:
        """Return cores over `bases()` of codes, for inference.

        Raises:
            ArgumentError: this generator's adapters share no bases.
        """
        raise ArgumentError(
            f"cores need a generator whose adapters share bases, got {self.kind}: use generate"
        )

    # end-to-end training

    def prepare_codes(self, conditions: Sequence[Any]) -> None:
        """Take statistics of the training conditions, once, before a new run encodes them."""
        return None

    def can_start(self, how: Start) -> bool:
        """Return whether `initialise(…, how)` changes anything."""
        return False

    def initialise(self, codes: Tensor, tasks: Tensor, how: Start) -> None:
        """Start the weights from the training codes.

        Args:
            codes: `[D, *code_shape]`, of all training conditions.
            tasks: `[D]` integers, the task of each.
            how: "conditioned", or "plain", which leaves them as they are.
        """
        return None

    def head_linears(self) -> Mapping[str, nn.Linear]:
        """Return linears with a bias that may be optimised on whitened inputs, by name."""
        return {}

    def head_inputs(self, latents: Tensor) -> Mapping[str, Tensor]:
        """Return what each of `head_linears()` reads, `[…, h]`, by the same names."""
        return {}

    def head_targets(self, adapters: LoraBatch) -> Mapping[str, Tensor] | None:
        """Return the head outputs `[rows, outputs]` that give N adapters, in `head_inputs` order.

        None where adapters aren't linear in the outputs of single heads.
        """
        return None

    def is_head(self, name: str) -> bool:
        """Return whether a parameter has the heads' learning rate, not the trunk's."""
        return True

    def auxiliary_losses(self) -> dict[str, Tensor]:
        """Return what the last forward pass adds to any loss, with its graph, by metric name."""
        return {}

    @property
    def differentiable_codes(self) -> bool:
        return True

    # reconstruction training

    @property
    def predicts_z_scores(self) -> bool:
        """Whether heads predict z-scores over a library of adapters."""
        return False

    def start_reconstruction(self, statistics: Statistics, scale: float) -> None:
        """Reset the heads for reconstruction.

        Args:
            statistics: of the library, for z-scores.
            scale: what A and B are learned times, each.

        Raises:
            ConfigError: this generator isn't trained by reconstruction.
        """
        raise ConfigError(f"reconstruction needs a text_to_lora generator, got {self.kind}")

    def recon_predictions(self, latents: Tensor) -> LoraBatch:
        """Return what is compared with `recon_targets`: adapters, or their z-scores."""
        return self.adapters(latents)

    def recon_targets(self, library: LoraBatch, statistics: Statistics) -> LoraBatch:
        """Return what `recon_predictions` should equal for adapters of a library."""
        return library

    def unscaled_state(self, scale: float) -> dict[str, Tensor]:
        """Return the state dict whose A and B are this generator's divided by `scale`, each."""
        raise ConfigError(f"reconstruction needs a text_to_lora generator, got {self.kind}")

    # the encoder of conditions

    @property
    def encoder_adapter(self) -> EncoderAdapter | None:
        """The LoRA that its encoder was fitted with, if it was."""
        return None

    def use_encoder(self, encoder: TextEncoder) -> None:
        """Embed by an encoder that equals the present one, such as a cache in front of it.

        Raises:
            ConfigError: this generator embeds nothing.
        """
        raise ConfigError(f"{self.kind} reads no conditions, so it takes no encoder")

    def name_encoder(self) -> None:
        """Have the config name the encoder as it is now, after it was trained."""
        return None

    def load_encoder(
        self, *, device: torch.device | str | None = None, trust_remote_code: bool = False
    ) -> None:
        """Load what the config names now, so that errors come early; a no-op without one."""
        return None

    def check_adoptable(self) -> None:
        """Raise unless `adopt` works.

        Raises:
            ConfigError: always, unless a subclass can.
        """
        raise ConfigError(f"{self.kind} can't go on with another encoder: keep its own")

    def adopt(self, encoder: TextEncoder, descriptions: Sequence[Sequence[str]]) -> Generator:
        """Return this generator behind another encoder, fitted on each task's descriptions."""
        self.check_adoptable()
        raise NotImplementedError

    # folders

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        dtype: torch.dtype | None = None,
        state: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write the generator; all files appear whole or not at all.

        Args:
            dtype: of the stored weights; None = as they are.
            state: tensors to write instead of `state_dict()`.
        """
        raise NotImplementedError

    @classmethod
    def training_options(cls, folder: Path) -> dict[str, Any]:
        """Return keyword arguments of `from_pretrained` for training on from a folder."""
        return {}

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, encoder: TextEncoder | None = None, **options: Any
    ) -> Generator:
        """Load a generator, in eval mode and fp32; the base model is not needed.

        Raises:
            CheckpointError: there is no such checkpoint, or it is damaged or incomplete.
        """
        raise NotImplementedError
