"""T2LConfig: everything that fixes a Text-to-LoRA hypernetwork but its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from torch import nn

from t2l_fast.adapters.sites import find_sites
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError

Arch = Literal["L", "M", "S"]
TaskEncoder = Literal["linear", "discrete", "vq", "softmax"]
DISCRETE_CLASSES = 64
"""Of a discrete task encoder (T2L's released code)."""
CODEBOOK = 32
"""Vectors of "vq" and "softmax" (T2L's released code)."""


@dataclass(frozen=True, slots=True)
class T2LConfig:
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
        task_encoder: how a task embedding becomes m/2 numbers: "linear"; "vq", the nearest of 32
            vectors; "softmax", a mixture of 32; "discrete", one class of 64, with one-hot layers
            and module types: a trunk 64 + layers + modules wide, whatever `latent_size` is.
        standardise_codes: codes are an encoder's rows with mean 0 and deviation 1 over the training
            descriptions, number by number, then scaled to length √d_e.
        rank_rows: L only: one head output per rank row, as S has it.
        rank_positions: how rank rows are told apart in S and with `rank_rows`: "rotary" or
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
        if self.task_encoder not in get_args(TaskEncoder):
            raise ConfigError(
                f"task_encoder must be one of {get_args(TaskEncoder)}, got {self.task_encoder!r}"
            )
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
        for name in ("latent_size", "head_in_size", "task_embedding_size", "num_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a positive integer, got {value!r}")
        if self.latent_size % 4:
            raise ConfigError(f"latent_size must be a multiple of 4, got {self.latent_size}")
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout must lie in [0, 1), got {self.dropout!r}")
        shapes = {m: tuple(shape) for m, shape in dict(self.module_shapes).items()}
        sizes = [n for shape in shapes.values() for n in shape]
        whole = all(type(n) is int and n > 0 for n in sizes)
        if not shapes or any(len(shape) != 2 for shape in shapes.values()) or not whole:
            raise ConfigError(
                f"module_shapes must map site keys to (in_features, out_features), got {shapes}"
            )
        object.__setattr__(self, "module_shapes", shapes)
        if self.rank_by_rank and self.rank_positions == "rotary" and self.trunk_width % 2:
            raise ConfigError(
                "rotary rank_positions need a trunk of even width, got 64 + layers + modules = "
                f'{self.trunk_width} of task_encoder="discrete": use rank_positions="learnable"'
            )
        object.__setattr__(self, "task_names", tuple(self.task_names))
        if self.module_paths is not None:
            paths = {m: tuple(names) for m, names in self.module_paths.items()}
            if paths.keys() != shapes.keys() or {*map(len, paths.values())} != {self.num_layers}:
                raise ConfigError(
                    f"module_paths must hold {self.num_layers} paths for each of {list(shapes)}, "
                    f"got { ({m: len(p) for m, p in paths.items()}) }"
                )
            object.__setattr__(self, "module_paths", paths)
        if self.encoder == "one_hot" and len(self.task_names) != self.task_embedding_size:
            raise ConfigError(
                f"one-hot conditioning needs task_embedding_size={self.task_embedding_size} "
                f"task_names, got {len(self.task_names)}"
            )
        if self.prompt_template is not None and self.prompt_template.count("{input}") != 1:
            raise ConfigError(
                f"prompt_template must hold '{{input}}' once, got {self.prompt_template!r}"
            )

    @classmethod
    def for_model(
        cls,
        model: nn.Module,
        *,
        lora: LoraConfig,
        task_embedding_size: int,
        arch: Arch = "L",
        latent_size: int = 128,
        head_in_size: int = 512,
        exclude: tuple[str, ...] = (),
        **others: Any,
    ) -> T2LConfig:
        """The config whose adapters fit `model`; defaults are the paper's for Mistral-7B.

        Raises:
            ConfigError: the target modules occur in different numbers of layers.
            SiteNotFound, UnsupportedModel: as for `attach`.
        """
        sites = find_sites(model, lora.target_modules, exclude=exclude)
        counts = {m: len(group) for m, group in sites.items()}
        if len({*counts.values()}) > 1:
            raise ConfigError(
                f"every target module must occur in as many layers as the others, got {counts}: "
                "exclude some"
            )
        return cls(
            arch=arch,
            latent_size=latent_size,
            head_in_size=head_in_size,
            task_embedding_size=task_embedding_size,
            num_layers=next(iter(counts.values())),
            module_shapes={m: (g[0].in_features, g[0].out_features) for m, g in sites.items()},
            module_paths={m: tuple(site.path for site in g) for m, g in sites.items()},
            lora=lora,
            **others,
        )

    @property
    def rank_by_rank(self) -> bool:
        """Whether latents carry the rank, and a head makes one rank row at a time."""
        return self.arch == "S" or self.rank_rows

    @property
    def code_widths(self) -> tuple[int, int, int]:
        """Of what the mixer reads side by side: task, layer depth, module type."""
        if self.task_encoder == "discrete":
            return DISCRETE_CLASSES, self.num_layers, len(self.module_shapes)
        return self.latent_size // 2, self.latent_size // 4, self.latent_size // 4

    @property
    def trunk_width(self) -> int:
        """Width of mixer and MLPs, m but for discrete task encoders."""
        return sum(self.code_widths)

    def head_width(self, module: str) -> int:
        """Outputs of the head of one module type."""
        size_in, size_out = self.module_shapes[module]
        widths = {
            "L": (1 if self.rank_rows else self.lora.rank) * (size_in + size_out),
            "M": self.lora.rank * max(size_in, size_out),
            "S": max(size_in, size_out),
        }
        return widths[self.arch]

    def num_parameters(self) -> int:
        """Trainable parameters of the hypernetwork, by formula."""
        m, h = self.trunk_width, self.head_in_size
        modules = len(self.module_shapes)
        task_encoder, indices = self._encoder_parameters()
        mixer, mlps, mlp3 = 8 * m * m + 5 * m, 2 * (8 * m * m + 7 * m), 4 * m * m + 6 * m
        trunk = task_encoder + indices + mixer + mlps + mlp3 + (4 * m + 1) * h
        heads = sum((h + self.head_bias) * self.head_width(name) for name in self.module_shapes)
        outputs = 0 if self.arch == "L" else 2 * modules * m + 2 * m
        positions = 0
        if self.rank_by_rank and self.rank_positions == "learnable":
            positions = self.lora.rank * m + 2 * m
        offsets = 0
        if self.offset == "learnable":
            sizes = sum(a + b for a, b in self.module_shapes.values())
            offsets = self.num_layers * self.lora.rank * sizes
        return trunk + heads + outputs + positions + offsets

    def _encoder_parameters(self) -> tuple[int, int]:
        """Of the task encoder, and of the encoders of layers and module types."""
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

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"lora": self.lora.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> T2LConfig:
        """Read what `to_dict` gave.

        Raises:
            ConfigError: a field is missing, unknown or out of its range.
        """
        known = {field.name for field in fields(cls)}
        needed = known - {"head_bias", "base_model", "encoder", "task_encoder", "dropout"}
        needed -= {"module_paths", "task_names", "prompt_template"}
        needed -= {"standardise_codes", "rank_rows", "rank_positions", "offset", "z_scores"}
        if not needed <= plain.keys() <= known or not isinstance(plain["lora"], Mapping):
            raise ConfigError(
                f"a T2LConfig must hold {sorted(needed)}, optionally {sorted(known - needed)}, "
                f"got {sorted(plain)}"
            )
        try:
            return cls(**{**plain, "lora": LoraConfig.from_peft(plain["lora"])})
        except ConfigError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"a field of this T2LConfig has the wrong type: {error}") from None
