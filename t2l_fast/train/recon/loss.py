"""The loss of reconstruction: how far generated adapters are from those of a library."""

from __future__ import annotations

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch
from t2l_fast.errors import AdapterMismatch, ConfigError
from t2l_fast.generators import Generator
from t2l_fast.ops import lowrank_l1
from t2l_fast.train.oracles.library import LoraLibrary
from t2l_fast.train.recon.config import ReconConfig


class ReconLoss:
    """Compare a generator's adapters with a library's, as Text-to-LoRA does (§3.1, released code).

    Fields:
        targets: the library's adapters, on the generator's device.
        statistics: their means and deviations; empty without z-scores.
        scale: what A and B are learned times, each, so that ΔW is learned times
            `config.delta_w_scale`.

    Raises:
        AdapterMismatch: z-scores over a single adapter.
    """

    def __init__(self, generator: Generator, library: LoraLibrary, config: ReconConfig) -> None:
        self.generator, self.config = generator, config
        device = next(generator.parameters()).device
        self.targets = LoraBatch(
            library.adapters.config,
            {m: t.to(device) for m, t in library.adapters.lora_a.items()},
            {m: t.to(device) for m, t in library.adapters.lora_b.items()},
        )
        z_scores = generator.predicts_z_scores
        self.statistics = library.statistics() if z_scores else {}
        self.scale = 1.0 if config.factorized or z_scores else config.delta_w_scale**0.5
        self._predicted = generator.recon_targets(self.targets, self.statistics)

    def of(self, latents: Tensor, chosen: Tensor) -> Tensor:
        """Return the mean over module types; `chosen` `[N]` are the adapters of `latents`.

        Factorised: ½ mean|Â − A| + ½ mean|B̂ − B|, on z-scores where heads predict those. Else
        mean|B̂ᵀÂ − c·BᵀA|; with z-scores c·mean|…| of the adapters that they stand for.
        """
        scale, parts = self.config.delta_w_scale, []
        if self.config.factorized:
            batch, targets = self.generator.recon_predictions(latents), self._predicted
        else:
            batch, targets = self.generator.adapters(latents), self.targets
        inside, outside = (1.0, scale) if self.generator.predicts_z_scores else (scale, 1.0)
        for m in targets.lora_a:
            a, b = targets.lora_a[m][:, chosen], targets.lora_b[m][:, chosen]
            if self.config.factorized:
                distances = (batch.lora_a[m] - a).abs().mean(), (batch.lora_b[m] - b).abs().mean()
                parts.append(0.5 * distances[0] + 0.5 * distances[1])
            else:
                predicted = batch.lora_a[m], batch.lora_b[m]
                parts.append(outside * lowrank_l1(*predicted, a, b, scale=inside))
        return torch.stack(parts).mean()


def check_library(
    generator: Generator, library: LoraLibrary, config: ReconConfig, processes: int
) -> None:
    """Check that a generator can be trained on a library.

    Args:
        processes: how many divide the codes of a step.

    Raises:
        AdapterMismatch: the library's modules, shapes or rank are not the generator's.
        ConfigError: fewer adapters than one batch takes, or codes in a step than there are
            processes; offsets with factorised z-scores.
    """
    if len(library) < config.tasks_per_batch:
        raise ConfigError(
            f"tasks_per_batch must be at most the {len(library)} adapters of the library, got "
            f"{config.tasks_per_batch}"
        )
    codes = config.tasks_per_batch * config.descriptions_per_task
    if codes < processes:
        raise ConfigError(
            f"tasks_per_batch · descriptions_per_task must be at least the {processes} processes, "
            f"got {codes}: launch fewer"
        )
    shape = generator.config
    if config.factorized and generator.predicts_z_scores and shape.offset != "none":
        raise ConfigError(
            "factorised z-scores are learned by heads alone, so offset must be 'none', got "
            f"{shape.offset!r}: leave offsets or z-scores out, or compare products "
            "(factorized=False)"
        )
    shapes = {m: (shape.num_layers, *size) for m, size in shape.module_shapes.items()}
    got, rank = library.adapters.module_shapes, shape.lora.rank
    if got != shapes or library.adapters.config.rank != rank:
        raise AdapterMismatch(
            f"the library must have rank {rank} and (layers, in, out)={shapes}, got rank "
            f"{library.adapters.config.rank} and {got}"
        )
