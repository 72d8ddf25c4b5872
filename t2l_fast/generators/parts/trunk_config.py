"""TrunkConfig: the fields of generators that have Text-to-LoRA's trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, get_args

from torch import nn
from typing_extensions import Self

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError, listed
from t2l_fast.generators.config import GeneratorConfig, model_shape

TaskEncoder = Literal["linear", "discrete", "vq", "softmax"]
DISCRETE_CLASSES = 64
"""Classes of a discrete task encoder (T2L's released code)."""
CODEBOOK = 32
"""Vectors of "vq" and "softmax" (T2L's released code)."""


@dataclass(frozen=True)
class TrunkConfig(GeneratorConfig):
    """Shape of a generator with Text-to-LoRA's trunk (Charakorn et al., ICML 2025, §3).

    Args:
        latent_size: width m of the trunk, a multiple of 4: task m/2, layer depth m/4, module type
            m/4.
        head_in_size: width h that the heads read.
        task_embedding_size: d_e of the encoder; the number of tasks with one-hot conditioning.
        num_layers: layers that carry adapters; the same for every module.
        module_shapes: site key → (in_features, out_features); the order numbers the module types.
        lora: rank, scale and target modules of the generated adapters.
        base_model: what the adapters are for, as `load_model` takes it.
        encoder: what embeds descriptions, as `load_encoder` takes it; "one_hot" needs `task_names`.
        task_encoder: how a task embedding becomes m/2 numbers. "linear" is an affine map, "vq" the
            nearest of 32 vectors, "softmax" a mixture of 32. "discrete" is one class of 64 beside
            one-hot layers and modules: the trunk is 64 + layers + modules wide.
        standardise_codes: codes are an encoder's rows with mean 0 and deviation 1 over the training
            descriptions, number by number, then scaled to length √d_e.
        dropout: in the trunk, in training mode only.
        module_paths: site key → module path of every layer, for PEFT folders.
        task_names: conditions of one-hot generators, in order.
        prompt_template: what the base model reads, with "{input}"; None = the tokenizer's chat
            template.
    """

    latent_size: int
    head_in_size: int
    task_embedding_size: int
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    lora: LoraConfig
    _: KW_ONLY
    base_model: str | None = None
    encoder: str | None = None
    task_encoder: TaskEncoder = "linear"
    standardise_codes: bool = False
    dropout: float = 0.05
    module_paths: Mapping[str, tuple[str, ...]] | None = None
    task_names: tuple[str, ...] = ()
    prompt_template: str | None = None

    @classmethod
    def for_model(
        cls,
        model: nn.Module,
        *,
        lora: LoraConfig,
        exclude: tuple[str, ...] = (),
        latent_size: int = 128,
        head_in_size: int = 512,
        **options: Any,
    ) -> Self:
        """Return the config whose adapters fit `model`; defaults are the paper's for Mistral-7B.

        Args:
            model: the base model.
            lora: rank, scale and target modules of the adapters.
            exclude: paths or suffixes of linears to leave out, as for `attach`.
            latent_size: width m of the trunk.
            head_in_size: width h that the heads read.
            options: the config's other fields.

        Raises:
            ConfigError: the target modules occur in different numbers of layers.
            SiteNotFound, UnsupportedModel: as for `attach`.
        """
        options |= {"latent_size": latent_size, "head_in_size": head_in_size}
        shape = model_shape(model, lora, exclude)
        return cls(lora=lora, **shape, **options)  # pyright: ignore

    def _check_trunk(self) -> None:
        if self.task_encoder not in get_args(TaskEncoder):
            raise ConfigError(
                f"task_encoder must be one of {listed(get_args(TaskEncoder))}, got "
                f"{self.task_encoder!r}"
            )
        self._check_positive("latent_size", "head_in_size", "task_embedding_size", "num_layers")
        if self.latent_size % 4:
            raise ConfigError(f"latent_size must be a multiple of 4, got {self.latent_size}")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout must lie in [0, 1), got {self.dropout!r}")
        self._check_shapes()
        if self.encoder == "one_hot" and len(self.task_names) != self.task_embedding_size:
            raise ConfigError(
                f"one-hot conditioning needs task_embedding_size={self.task_embedding_size} "
                f"task_names, got {len(self.task_names)}"
            )

    @property
    def code_widths(self) -> tuple[int, int, int]:
        """Widths of what the mixer reads side by side: task, layer depth, module type."""
        if self.task_encoder == "discrete":
            return DISCRETE_CLASSES, self.num_layers, len(self.module_shapes)
        return self.latent_size // 2, self.latent_size // 4, self.latent_size // 4

    @property
    def trunk_width(self) -> int:
        """Width of mixer and MLPs, m but for discrete task encoders."""
        return sum(self.code_widths)

    def trunk_parameters(self) -> int:
        """Return the trainable parameters of the trunk, by formula."""
        m, h = self.trunk_width, self.head_in_size
        task_encoder, indices = self._encoder_parameters()
        mixer, mlps, mlp3 = 8 * m * m + 5 * m, 2 * (8 * m * m + 7 * m), 4 * m * m + 6 * m
        return task_encoder + indices + mixer + mlps + mlp3 + (4 * m + 1) * h

    def encoder_macs(self) -> tuple[int, int, int]:
        """Return the multiply-adds of the task encoder for one code.

        Returns:
            Those on the code, of what follows, and of a codebook's update.
        """
        width, d = self.code_widths[0], self.task_embedding_size
        if self.task_encoder == "linear":
            return d * width, 0, 0
        if self.task_encoder == "discrete":
            return d * 4 * width, 4 * width * DISCRETE_CLASSES, 0
        if self.task_encoder == "vq":
            return d * 4 * width, 4 * width * width, width * CODEBOOK
        return d * 4 * width, (4 * width + width) * CODEBOOK, 0

    def trunk_macs(self, rows: int, second: int, third: int) -> int:
        """Return the multiply-adds of the trunk after the task encoder.

        Args:
            rows: that mixer and first MLP read.
            second: rows of the second MLP.
            third: rows of the last MLP.
        """
        m, h = self.trunk_width, self.head_in_size
        return (2 * rows + second) * 8 * m * m + third * 4 * m * (m + h)

    def _encoder_parameters(self) -> tuple[int, int]:
        """Return those of the task encoder, and of the encoders of layers and module types."""
        task, depth, kind = self.code_widths
        inputs = self.task_embedding_size + 1
        if self.task_encoder == "discrete":
            return inputs * 4 * task + (4 * task + 1) * task, 0
        indices = (self.num_layers + 2) * depth + (len(self.module_shapes) + 2) * kind
        if self.task_encoder == "linear":
            return (inputs + 2) * task, indices
        out = task if self.task_encoder == "vq" else CODEBOOK
        learned = 0 if self.task_encoder == "vq" else CODEBOOK * task
        return inputs * 4 * task + (4 * task + 1) * out + learned + 2 * task, indices
