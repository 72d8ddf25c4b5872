"""T2LConfig: everything that fixes a Text-to-LoRA hypernetwork but its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import nn

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.generators.parts.trunk_config import TaskEncoder, TrunkConfig

Arch = Literal["L", "M", "S"]


@dataclass(frozen=True, slots=True)
class T2LConfig(TrunkConfig):
    """Shape of a Text-to-LoRA hypernetwork (Charakorn et al., ICML 2025, §3 and appendix).

    Args:
        arch: "L" one head output per adapter pair, "M" one per matrix, "S" one per rank row.
        latent_size: width m of the trunk, a multiple of 4: task m/2, layer depth m/4, module type
            m/4.
        head_in_size: width h that the heads read.
        task_embedding_size: d_e of the encoder; the number of tasks with one-hot conditioning.
        num_layers: layers that carry adapters; the same for every module.
        module_shapes: site key → (in_features, out_features); the order numbers the module types.
        lora: rank, scale and target modules of the generated adapters.
        head_bias: heads have a bias, which starts as a LoRA initialisation (end-to-end training).
        base_model: what the adapters are for, as `load_model` takes it.
        encoder: what embeds descriptions, as `load_encoder` takes it; "one_hot" needs `task_names`.
        task_encoder: how a task embedding becomes m/2 numbers. "linear" is an affine map, "vq" the
            nearest of 32 vectors, "softmax" a mixture of 32. "discrete" is one class of 64 beside
            one-hot layers and modules: the trunk is 64 + layers + modules wide.
        standardise_codes: codes are an encoder's rows with mean 0 and deviation 1 over the training
            descriptions, number by number, then scaled to length √d_e.
        rank_rows: L only: one head output per rank row, as S has it.
        rank_positions: how rank rows are distinguished in S and with `rank_rows`: "rotary" or
            "learnable" (an embedding).
        offset: added to A and B in each layer: "none", "fixed" or "learnable".
        z_scores: heads predict z-scores over a library of adapters, undone by its mean and standard
            deviation (reconstruction training).
        dropout: in the trunk, in training mode only.
        module_paths: site key → module path of every layer, for PEFT folders.
        task_names: conditions of one-hot generators, in order.
        prompt_template: what the base model reads, with "{input}"; None = the tokenizer's chat
            template.

    Raises:
        ConfigError: an argument is out of its range or doesn't fit the others.
    """

    kind: ClassVar[str] = "text_to_lora"
    arch: Arch
    latent_size: int
    head_in_size: int
    task_embedding_size: int
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    lora: LoraConfig
    head_bias: bool = True
    base_model: str | None = None
    encoder: str | None = None
    task_encoder: TaskEncoder = "linear"
    standardise_codes: bool = False
    rank_rows: bool = False
    rank_positions: Literal["rotary", "learnable"] = "rotary"
    offset: Literal["none", "fixed", "learnable"] = "none"
    z_scores: bool = False
    dropout: float = 0.05
    module_paths: Mapping[str, tuple[str, ...]] | None = None
    task_names: tuple[str, ...] = ()
    prompt_template: str | None = None

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
        # dataclasses with slots lose the class that a bare super() needs
        base = super(T2LConfig, cls)
        options |= {"arch": arch}
        return base.for_model(model, lora=lora, exclude=exclude, **options)  # pyright: ignore

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
