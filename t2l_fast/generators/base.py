"""Generator: what training, evaluation, serving and commands may ask of any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Bases, DeferredBatch, LoraBatch, LoraWeights
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.encoders import EncoderAdapter, TextEncoder
from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.generators.config import GeneratorConfig

__all__ = ["Condition", "Generator", "GeneratorConfig", "Start", "Statistics"]

Condition = Literal["text", "shots", "input", "prompts", "document", "none"]
Start = Literal["plain", "conditioned"]
Statistics = Mapping[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]
"""Key → (mean, deviation) of A and of B, `[layers, rank, d]` each."""


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
        """Return what `adapters` reads for codes `[N, *code_shape]`; all randomness is here.

        Args:
            codes: `[N, *code_shape]`, on the device and in the dtype of `anchor`.

        Returns:
            A tensor of the system's own shape; by default the codes.
        """
        return codes

    def pick(self, latents: Tensor, chosen: Sequence[int]) -> Tensor:
        """Return the latents of some of N codes.

        Args:
            latents: what `latents` returned for N codes.
            chosen: indices below N, in the order of the result.
        """
        return latents.index_select(0, torch.tensor(chosen, device=latents.device))

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Return the adapters of latents, with their graph.

        Args:
            latents: what `latents` or `pick` returned, for N codes.

        Returns:
            A `[layers, N, rank, in]` and B `[layers, N, rank, out]` by module, B rank-major.
        """
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
            return replace(self(codes), origin=self.config.origin)

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
        """Return latents by (module, layer) without copies, or None where `defers` is False.

        Args:
            latents: what `latents` returned.
        """
        return None

    def deferred(self, latents: dict[tuple[str, int], Tensor]) -> DeferredBatch | None:
        """Return adapters that are recomputed where a site reads them, or None.

        Args:
            latents: (module, layer) → what `cut` returned, or leaves of the same shape.
        """
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

        Args:
            codes: `[N, *code_shape]`.

        Returns:
            Cores `[layers, N, rank, h_a]` and `[layers, N, rank, h_b]` by module.

        Raises:
            ArgumentError: this generator's adapters share no bases.
        """
        raise ArgumentError(
            f"cores need a generator whose adapters share bases, got {self.kind}: use generate"
        )

    # end-to-end training

    def codes_of(self, embeddings: Tensor) -> Tensor:
        """Return what the generator reads for embeddings `[N, d_e]` of its encoder."""
        return embeddings

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

    def start_at_adapter(self, adapter: LoraWeights) -> None:
        """Start such that every code gives this adapter.

        Raises:
            ConfigError: this kind of generator has no offsets.
        """
        raise ConfigError(
            f"a start at an adapter needs a generator with offsets, got {self.kind}: use "
            "text_to_lora"
        )

    def auxiliary_losses(self) -> dict[str, Tensor]:
        """Return what the last forward pass adds to any loss, with its graph, by metric name."""
        return {}

    @property
    def differentiable_codes(self) -> bool:
        """Whether gradients may reach the codes; False where codes are indices."""
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
        """Return what is compared with `recon_targets`: adapters, or their z-scores.

        Args:
            latents: what `latents` returned for N codes.
        """
        return self.adapters(latents)

    def recon_targets(self, library: LoraBatch, statistics: Statistics) -> LoraBatch:
        """Return what `recon_predictions` should equal for adapters of a library.

        Args:
            library: N adapters, in the order of the codes.
            statistics: means and deviations over the whole library.
        """
        return library

    def unscaled_state(self, scale: float) -> dict[str, Tensor]:
        """Return the state dict whose A and B are this generator's divided by `scale`, each.

        Args:
            scale: what A and B were learned times.

        Raises:
            ConfigError: this generator isn't trained by reconstruction.
        """
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
        """Write the trained encoder's present adapter into the config."""
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
        """Return this generator behind another encoder, fitted on each task's descriptions.

        Args:
            encoder: the new one.
            descriptions: texts of each task to fit on.

        Raises:
            ConfigError: as `check_adoptable`.
        """
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
