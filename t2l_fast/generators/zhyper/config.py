"""ZhyperConfig: everything that fixes a Zhyper generator but its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from t2l_fast.errors import ConfigError
from t2l_fast.generators.cost import GeneratorCost
from t2l_fast.generators.parts.trunk_config import TrunkConfig

Modulation = Literal["diagonal", "full"]


@dataclass(frozen=True)
class ZhyperConfig(TrunkConfig):
    """Shape of a Zhyper generator (Abdalla et al., arXiv 2510.19733).

    `TrunkConfig`'s arguments come first.

    Args:
        modulation: what a head gives per layer: "diagonal", r numbers that scale the rows of A; or
            "full", an r × r matrix that mixes them.

    Raises:
        ConfigError: an argument is out of its range or doesn't fit the others.
    """

    kind: ClassVar[str] = "zhyper"
    modulation: Modulation = "diagonal"

    def __post_init__(self) -> None:
        if self.modulation not in ("diagonal", "full"):
            raise ConfigError(f"modulation must be 'diagonal' or 'full', got {self.modulation!r}")
        self._check_trunk()

    @property
    def head_width(self) -> int:
        """Outputs of every head."""
        return self.lora.rank ** (2 if self.modulation == "full" else 1)

    def cost(self, codes: int) -> GeneratorCost:
        """Return the arithmetic of one training call for N codes; diagonals take no matmul."""
        first, more, untrained = self.encoder_macs()
        rows = self.num_layers * len(self.module_shapes) * codes
        inner = codes * more + self.trunk_macs(rows, rows, rows)
        inner += rows * self.head_in_size * self.head_width
        rank, places = self.lora.rank, self.num_layers * codes
        if self.modulation == "full":
            inner += places * rank * rank * sum(a for a, _ in self.module_shapes.values())
        numbers = places * rank * sum(a + b for a, b in self.module_shapes.values())
        parameters = self.num_parameters()
        return GeneratorCost(codes * first, inner, codes * untrained, numbers, parameters)

    def num_parameters(self) -> int:
        """Return the trainable parameters, by formula: trunk, heads, and A and B."""
        heads = len(self.module_shapes) * (self.head_in_size + 1) * self.head_width
        sizes = sum(a + b for a, b in self.module_shapes.values())
        return self.trunk_parameters() + heads + self.num_layers * self.lora.rank * sizes
