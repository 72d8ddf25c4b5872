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
from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.generators.capabilities import Encoding, Reconstruction, Statistics, kinds_with
from t2l_fast.generators.config import GeneratorConfig

__all__ = ["Condition", "Generator", "GeneratorConfig", "Start", "Statistics"]

Condition = Literal["text", "shots", "input", "prompts", "document", "none"]
Start = Literal["plain", "conditioned"]


class Generator(nn.Module, Reconstruction, Encoding, AdapterGenerator):
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
        able = kinds_with(Generator, "start_at_adapter")
        raise ConfigError(
            f"a start at an adapter needs a generator of kind {able}, got {self.kind}"
        )

    def auxiliary_losses(self) -> dict[str, Tensor]:
        """Return what the last forward pass adds to any loss, with its graph, by metric name."""
        return {}

    @property
    def differentiable_codes(self) -> bool:
        """Whether gradients may reach the codes; False where codes are indices."""
        return True

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
