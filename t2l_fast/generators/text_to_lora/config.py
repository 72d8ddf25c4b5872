"""T2LConfig: everything that fixes a Text-to-LoRA hypernetwork but its weights."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.generators.cost import GeneratorCost
from t2l_fast.generators.parts.trunk_config import TrunkConfig

Arch = Literal["L", "M", "S"]


@dataclass(frozen=True)
class _Architecture:
    """The field that comes before the trunk's."""

    arch: Arch


@dataclass(frozen=True)
class T2LConfig(TrunkConfig, _Architecture):
    """Shape of a Text-to-LoRA hypernetwork (Charakorn et al., ICML 2025, §3 and appendix).

    The first argument is `arch`; `TrunkConfig`'s follow.

    Args:
        arch: "L" one head output per adapter pair, "M" one per matrix, "S" one per rank row.
        head_bias: heads have a bias, which starts as a LoRA initialisation (end-to-end training).
        rank_rows: L only: one head output per rank row, as S has it.
        rank_positions: how rank rows are told apart in S and with `rank_rows`: "rotary" or
            "learnable" (an embedding).
        offset: added to A and B in each layer: "none", "fixed" or "learnable".
        z_scores: heads predict z-scores over a library of adapters, undone by its mean and standard
            deviation (reconstruction training).

    Raises:
        ConfigError: an argument is out of its range or doesn't fit the others.
    """

    kind: ClassVar[str] = "text_to_lora"
    head_bias: bool = True
    _: KW_ONLY
    rank_rows: bool = False
    rank_positions: Literal["rotary", "learnable"] = "rotary"
    offset: Literal["none", "fixed", "learnable"] = "none"
    z_scores: bool = False

    def __post_init__(self) -> None:
        if self.arch not in ("L", "M", "S"):
            raise ConfigError(f"arch must be 'L', 'M' or 'S', got {self.arch!r}")
        if self.rank_positions not in ("rotary", "learnable"):
            raise ConfigError(
                f"rank_positions must be 'rotary' or 'learnable', got {self.rank_positions!r}"
            )
        if self.offset not in ("none", "fixed", "learnable"):
            raise ConfigError(f"offset must be 'none', 'fixed' or 'learnable', got {self.offset!r}")
        if self.rank_rows and self.arch != "L":
            raise ConfigError(
                f"rank_rows is a variant of arch 'L', got {self.arch!r}: leave it out"
            )
        self._check_trunk()
        if self.rank_by_rank and self.rank_positions == "rotary" and self.trunk_width % 2:
            raise ConfigError(
                "rotary rank_positions need a trunk of even width, got 64 + layers + modules = "
                f'{self.trunk_width} of task_encoder="discrete": use rank_positions="learnable"'
            )

    @classmethod
    def for_model(
        cls,
        model: nn.Module,
        *,
        lora: LoraConfig,
        exclude: tuple[str, ...] = (),
        arch: Arch = "L",
        **options: Any,
    ) -> T2LConfig:
        """Return the config whose adapters fit `model`; defaults are the paper's for Mistral-7B.

        Raises:
            ConfigError: the target modules occur in different numbers of layers.
            SiteNotFound, UnsupportedModel: as for `attach`.
        """
        return super().for_model(model, lora=lora, exclude=exclude, arch=arch, **options)

    @property
    def rank_by_rank(self) -> bool:
        """Whether latents carry the rank, and a head makes one rank row at a time."""
        return self.arch == "S" or self.rank_rows

    def head_width(self, module: str) -> int:
        """Return the outputs of the head of one module type."""
        size_in, size_out = self.module_shapes[module]
        widths = {
            "L": (1 if self.rank_rows else self.lora.rank) * (size_in + size_out),
            "M": self.lora.rank * max(size_in, size_out),
            "S": max(size_in, size_out),
        }
        return widths[self.arch]

    @classmethod
    def published(cls) -> T2LConfig:
        """Return the shape of SakanaAI's L for Mistral-7B: q and v, rank 8, gte-large's codes."""
        shapes = {"q_proj": (4096, 4096), "v_proj": (4096, 1024)}
        lora = LoraConfig(tuple(shapes), 8, 16.0, use_rslora=True)
        return cls("L", 128, 512, 1024, 32, shapes, lora)

    def cost(self, codes: int) -> GeneratorCost:
        """Return the arithmetic of one training call for N codes."""
        first, more, untrained = self.encoder_macs()
        rank = self.lora.rank
        rows = self.num_layers * len(self.module_shapes) * codes
        places = rows * (1 if self.arch == "L" else 2)
        read = places * (rank if self.rank_by_rank else 1)
        if not self.rank_by_rank:
            second = places
        elif self.arch == "L":
            second = read  # once, after the position of the rank
        else:
            second = places + (read if self.rank_positions == "rotary" else rank)
        numbers = sum(a + b for a, b in self.module_shapes.values()) * rank
        numbers *= self.num_layers * codes
        inner = codes * more + self.trunk_macs(rows, second, read) + numbers * self.head_in_size
        parameters = self.num_parameters()
        return GeneratorCost(codes * first, inner, codes * untrained, numbers, parameters)

    def num_parameters(self) -> int:
        """Count the hypernetwork's trainable parameters by formula."""
        m, h = self.trunk_width, self.head_in_size
        modules = len(self.module_shapes)
        heads = sum((h + self.head_bias) * self.head_width(name) for name in self.module_shapes)
        outputs = 0 if self.arch == "L" else 2 * modules * m + 2 * m
        positions = 0
        if self.rank_by_rank and self.rank_positions == "learnable":
            positions = self.lora.rank * m + 2 * m
        offsets = 0
        if self.offset == "learnable":
            sizes = sum(a + b for a, b in self.module_shapes.values())
            offsets = self.num_layers * self.lora.rank * sizes
        return self.trunk_parameters() + heads + outputs + positions + offsets
