"""TextGenerator: a generator of texts with Text-to-LoRA's trunk; all but its heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from typing_extensions import Self

from t2l_fast.encoders import EncoderAdapter, OneHotEncoder, TextEncoder, load_encoder, scaled
from t2l_fast.errors import ConfigError
from t2l_fast.generators.base import Condition, Generator, Start
from t2l_fast.generators.parts import files
from t2l_fast.generators.parts.adoption import fitted_affine
from t2l_fast.generators.parts.fingerprint import Fingerprint
from t2l_fast.generators.parts.initialisation import discriminant_init, trunk_init
from t2l_fast.generators.parts.trunk import TrunkNetwork
from t2l_fast.generators.parts.trunk_config import TrunkConfig


class TextGenerator(TrunkNetwork, Generator):
    """Embeds texts, or names of tasks, and reads the embeddings by a trunk.

    Args:
        config: its shape.
        encoder: embeds conditions; None = what `config.encoder` names, loaded at first use.
    """

    condition: ClassVar[Condition] = "text"
    config_class: ClassVar[type[TrunkConfig]]
    config: Any

    def __init__(self, config: TrunkConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__(config)
        self._encoder = encoder
        self._encoder_adapter: EncoderAdapter | None = None
        self._fingerprint = Fingerprint()

    @property
    def code_shape(self) -> tuple[int, ...]:  # pyright: ignore
        """`(d_e,)`: one task embedding."""
        return (self.config.task_embedding_size,)

    @property
    def encoder(self) -> TextEncoder:
        """What embeds conditions.

        Raises:
            ConfigError: the config names no encoder.
            EncoderError: it is unknown or not installed.
        """
        if self._encoder is None:
            if self.config.encoder is None:
                raise ConfigError(
                    "encoding conditions needs an encoder, got config.encoder=None: pass "
                    "encoder= or codes"
                )
            one_hot = self.config.encoder == "one_hot"
            self._encoder = (
                OneHotEncoder(self.config.task_names)
                if one_hot
                else load_encoder(self.config.encoder, adapter=self._encoder_adapter)
            )
        return self._encoder

    @property
    def encoder_adapter(self) -> EncoderAdapter | None:
        """The LoRA that its encoder was fitted with (`t2l train encoder`), if it was.

        It is the one that `config.encoder` names, whatever encoder was passed besides.
        """
        digest = files.digest_of(self.config)
        held = (self._encoder_adapter, getattr(self._encoder, "adapter", None))
        return next((a for a in held if isinstance(a, EncoderAdapter) and a.digest == digest), None)

    def use_encoder(self, encoder: TextEncoder) -> None:
        """Embed with an encoder that equals the generator's own, such as a cache in front of it."""
        self._encoder = encoder

    def name_encoder(self) -> None:
        """Write the trained encoder's present adapter into the config."""
        self.config = replace(self.config, encoder=self.encoder.name)

    def encode(self, conditions: Sequence[str]) -> Tensor:
        """Embed N descriptions (N task names with one-hot): `[N, d_e]`, fp32.

        Raises:
            EncoderError: a description is empty or longer than the encoder takes.
        """
        return self.codes_of(self.encoder.encode(conditions))

    def codes_of(self, embeddings: Tensor) -> Tensor:
        """Convert embeddings `[N, d_e]` to codes, standardised if the config says so."""
        if not self.config.standardise_codes or not len(embeddings):
            return embeddings
        mean, deviation = (t.to(embeddings) for t in (self.code_mean, self.code_std))
        return scaled((embeddings - mean) / deviation)

    @torch.no_grad()
    def standardise(self, conditions: Sequence[str]) -> None:
        """Take mean and deviation of codes from these descriptions, before training.

        Raises:
            ConfigError: the config does not ask for it.
            EncoderError: a description can't be embedded.
        """
        if not self.config.standardise_codes:
            raise ConfigError("standardise needs config.standardise_codes=True, got False")
        deviation, mean = torch.std_mean(self.encoder.encode(conditions), dim=0)
        self.code_mean.copy_(mean)
        self.code_std.copy_(deviation.clamp(min=1e-6))

    def load_encoder(
        self, *, device: torch.device | str | None = None, trust_remote_code: bool = False
    ) -> None:
        """Load what the config names now, so that errors come early.

        Raises:
            EncoderError: there is none of that name.
        """
        name = self.config.encoder
        if name is not None and not self.config.task_names:
            self._encoder = load_encoder(
                name,
                adapter=self.encoder_adapter,
                device=device,
                trust_remote_code=trust_remote_code,
            )

    def prepare_codes(self, conditions: Sequence[str]) -> None:
        """Take statistics of the training descriptions where the config standardises codes."""
        if self.config.standardise_codes:
            self.standardise(conditions)

    @property
    def differentiable_codes(self) -> bool:
        """False for discrete task encoders, which pass gradients in training mode alone."""
        return self.config.task_encoder != "discrete"

    def auxiliary_losses(self) -> dict[str, Tensor]:
        """Return the task encoder's own loss by its name; empty if it has none."""
        extra = self.auxiliary_loss
        return {} if extra is None else {"auxiliary_loss": extra}

    def is_head(self, name: str) -> bool:
        """Return whether a parameter belongs to the heads."""
        return name.startswith("heads.")

    def can_start(self, how: Start) -> bool:
        """Return whether descriptions are read and heads have a bias."""
        return how == "conditioned" and bool(self.head_linears())

    def initialise(self, codes: Tensor, tasks: Tensor, how: Start) -> None:
        """Start the task encoder at Fisher's discriminants, and the trunk by He et al. (2015).

        Args:
            codes: `[D, d_e]`, of all training descriptions.
            tasks: `[D]` integers, the task of each.
            how: "plain" leaves everything as it is.

        Raises:
            ArgumentError: fewer than two tasks, or not one per code.
        """
        if how != "conditioned":
            return
        first, *rest = self.task_encoder.mlp
        discriminant_init(first, codes, tasks)
        for block in (rest, self.mixer, self.mlp1.mlp, self.mlp2.mlp, self.mlp3):
            trunk_init(block)

    def check_adoptable(self) -> None:
        """Raise unless codes are read by an affine map alone.

        Raises:
            ConfigError: no linear task encoder over texts, or codes that are standardised.
        """
        config = self.config
        if config.task_encoder != "linear" or config.task_names or config.standardise_codes:
            raise ConfigError(
                "another encoder can be adopted behind a linear task encoder over plain codes of "
                f"texts, got task_encoder={config.task_encoder!r}, {len(config.task_names)} task "
                f"names, standardise_codes={config.standardise_codes}: keep its encoder"
            )

    @torch.no_grad()
    def adopt(self, encoder: TextEncoder, descriptions: Sequence[Sequence[str]]) -> Self:
        """Return this generator behind another encoder; left as it was itself.

        Ridge regression fits the first affine map of the task encoder anew. Its inputs are the new
        embeddings of a task's descriptions. Its target for each is what the old map gave for the
        mean of the task's codes.

        Args:
            encoder: the new one; its `dim` becomes d_e.
            descriptions: texts of each task to fit on.

        Raises:
            ConfigError: as `check_adoptable`.
            ArgumentError: fewer than two descriptions.
            EncoderError: a description can't be embedded.
        """
        self.check_adoptable()
        before = self.task_encoder.mlp[0]
        weight, bias = fitted_affine(before, self.encode, encoder, descriptions)
        config = replace(self.config, encoder=encoder.name, task_embedding_size=encoder.dim)
        adopted = type(self)(config, encoder=encoder)
        state = {name: t.clone() for name, t in self.state_dict().items()}
        state["task_encoder.mlp.0.weight"] = weight.to(before.weight)
        state["task_encoder.mlp.0.bias"] = bias.to(before.bias)
        adopted.load_state_dict(state, assign=True)
        return adopted.eval()

    @property
    def fingerprint(self) -> str:
        """Hash of config and weights; equal only if the adapters are."""
        return self._fingerprint.of(self.kind, self.config, self.state_dict())

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        dtype: torch.dtype | None = None,
        state: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write `config.json` and `model.safetensors`; all files appear whole or not at all.

        The adapter of a fitted encoder lies beside them (`encoder_adapter_model.safetensors`).

        Args:
            dtype: of the stored weights; None = as they are.
            state: tensors to write instead of `state_dict()`.

        Raises:
            CheckpointError: the config names a fitted encoder, whose adapter is not here.
        """
        tensors = self.state_dict() if state is None else state
        files.save(self.config, tensors, Path(folder), dtype, self.encoder_adapter)

    @classmethod
    def _of_state(
        cls,
        config: TrunkConfig,
        state: dict[str, Tensor],
        name: str,
        *,
        encoder: TextEncoder | None,
        adapter: EncoderAdapter | None = None,
    ) -> Self:
        """Return a generator in eval mode with these weights; `name` is for errors."""
        with torch.device("meta"):
            model = cls(config, encoder=encoder)
        model._encoder_adapter = adapter
        files.check_state(model.state_dict(), state, name)
        model.load_state_dict(state, assign=True)
        return model.eval()

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, encoder: TextEncoder | None = None, **options: Any
    ) -> Self:
        """Load a generator, in eval mode and fp32; the base model is not needed.

        Args:
            name: a bundled name, a folder, or a name on the Hugging Face hub, with a folder below
                it where there is one.
            encoder: instead of the one that the checkpoint names.

        Raises:
            CheckpointError: there is no such checkpoint, or it is damaged or incomplete.
        """
        folder = files.find(name)
        config, state = files.load(folder, cls.config_class)
        adapter = files.encoder_adapter(config, folder)
        return cls._of_state(config, state, str(name), encoder=encoder, adapter=adapter)
