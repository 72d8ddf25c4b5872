"""Capabilities of generators: reconstruction training, and the encoder of conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Self

from t2l_fast.adapters import LoraBatch
from t2l_fast.encoders import EncoderAdapter, TextEncoder
from t2l_fast.errors import ConfigError

Statistics = Mapping[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]]
"""Key → (mean, deviation) of A and of B, `[layers, rank, d]` each."""


def kinds_with(base: type, method: str) -> str:
    """Return the kinds among a class's subclasses that override a method, as "a or b"."""
    default = getattr(base, method)
    able = {
        kind
        for each in _subclasses(base)
        if (kind := getattr(each, "kind", None)) and getattr(each, method) is not default
    }
    return " or ".join(sorted(able))


def _subclasses(base: type) -> Iterator[type]:
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)


class Reconstruction:
    """Training on a library of adapters, which the generator is to give back."""

    kind: str

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Return the adapters of latents, as `Generator.adapters` does."""
        raise NotImplementedError

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
        raise self._not_reconstructed()

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
        raise self._not_reconstructed()

    def _not_reconstructed(self) -> ConfigError:
        able = kinds_with(Reconstruction, "start_reconstruction")
        return ConfigError(f"reconstruction needs a generator of kind {able}, got {self.kind}")


class Encoding:
    """What reads conditions: texts by an encoder, or names of known tasks."""

    kind: str
    condition: str
    config: Any

    @property
    def known_conditions(self) -> tuple[str, ...]:
        """The only conditions that `encode` takes; empty where it takes any."""
        return self.config.task_names

    @property
    def reads_text(self) -> bool:
        """Whether `encode` reads any text, not the names of known tasks alone."""
        return self.condition == "text" and not self.known_conditions

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

    def adopt(self, encoder: TextEncoder, descriptions: Sequence[Sequence[str]]) -> Self:
        """Return this generator behind another encoder, fitted on each task's descriptions.

        Args:
            encoder: the new one.
            descriptions: texts of each task to fit on.

        Raises:
            ConfigError: as `check_adoptable`.
        """
        self.check_adoptable()
        raise NotImplementedError
