"""ZhyperConfig: everything that fixes a Zhyper generator but its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.generators.parts.trunk_config import TaskEncoder, TrunkConfig

Modulation = Literal["diagonal", "full"]


@dataclass(frozen=True, slots=True)
class ZhyperConfig(TrunkConfig):
    """Shape of a Zhyper generator (Abdalla et al., arXiv 2510.19733).

    Args:
        latent_size: width m of the trunk, as for `T2LConfig`, whose trunk it has.
        head_in_size: width h that the heads read.
        task_embedding_size: d_e of the encoder; the number of tasks with one-hot conditioning.
        num_layers: layers that carry adapters; the same for every module.
        module_shapes: site key → (in_features, out_features); the order numbers the module types.
        lora: rank r, scale and target modules.
        modulation: what a head gives per layer: "diagonal", r numbers that scale the rows of A; or
            "full", an r × r matrix that mixes them.
        base_model: what the adapters are for, as `load_model` takes it.
        encoder: what embeds descriptions, as for `T2LConfig`.
        task_encoder: how a task embedding becomes m/2 numbers, as for `T2LConfig`.
        standardise_codes: as for `T2LConfig`.
        dropout: in the trunk, in training mode only.
        module_paths: site key → module path of every layer, for PEFT folders.
        task_names: conditions of one-hot generators, in order.
        prompt_template: what the base model reads, as for `T2LConfig`.

    Raises:
        ConfigError: an argument is out of its range or doesn't fit the others.
    """

    kind: ClassVar[str] = "zhyper"
    latent_size: int
    head_in_size: int
    task_embedding_size: int
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    lora: LoraConfig
    modulation: Modulation = "diagonal"
    base_model: str | None = None
    encoder: str | None = None
    task_encoder: TaskEncoder = "linear"
    standardise_codes: bool = False
    dropout: float = 0.05
    module_paths: Mapping[str, tuple[str, ...]] | None = None
    task_names: tuple[str, ...] = ()
    prompt_template: str | None = None

    def __post_init__(self) -> None:
        if self.modulation not in ("diagonal", "full"):
            raise ConfigError(f"modulation must be 'diagonal' or 'full', got {self.modulation!r}")
        self._check_trunk()

    @property
    def head_width(self) -> int:
        """Outputs of every head."""
        return self.lora.rank ** (2 if self.modulation == "full" else 1)

    def num_parameters(self) -> int:
        """Return the trainable parameters, by formula: trunk, heads, and A and B."""
        heads = len(self.module_shapes) * (self.head_in_size + 1) * self.head_width
        sizes = sum(a + b for a, b in self.module_shapes.values())
        return self.trunk_parameters() + heads + self.num_layers * self.lora.rank * sizes
