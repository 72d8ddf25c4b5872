"""One LoRA for all tasks: the baseline of every generator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from t2l_fast.adapters import LoraBatch, LoraWeights
from t2l_fast.config import LoraConfig
from t2l_fast.encoders import TextEncoder
from t2l_fast.errors import AdapterFormatError, CheckpointError
from t2l_fast.generators.base import Generator, GeneratorConfig
from t2l_fast.generators.parts import files
from t2l_fast.generators.parts.fingerprint import Fingerprint
from t2l_fast.generators.parts.trunk import name_of


@dataclass(frozen=True, slots=True)
class MultiTaskConfig(GeneratorConfig):
    """Shape of one LoRA for all tasks; fields as in `GeneratorConfig`."""

    kind: ClassVar[str] = "multi_task_lora"
    num_layers: int
    module_shapes: Mapping[str, tuple[int, int]]
    lora: LoraConfig
    base_model: str | None = None
    encoder: str | None = None
    module_paths: Mapping[str, tuple[str, ...]] | None = None
    task_names: tuple[str, ...] = ()
    prompt_template: str | None = None

    def __post_init__(self) -> None:
        self._check_positive("num_layers")
        self._check_shapes()


class MultiTaskLora(Generator):
    """Gives the same trainable adapter whatever the condition; trained like any generator.

    It is saved as a PEFT folder.

    Args:
        config: its own, or that of the generator it is compared with; shapes and `lora` count.
        encoder: ignored, since conditions are.
    """

    kind: ClassVar[str] = "multi_task_lora"  # pyright: ignore
    code_shape = (1,)

    def __init__(self, config: GeneratorConfig, *, encoder: TextEncoder | None = None) -> None:
        super().__init__()
        self.config = config
        self._fingerprint = Fingerprint()
        self.lora_a, self.lora_b = nn.ParameterDict(), nn.ParameterDict()
        for m, (size_in, size_out) in config.module_shapes.items():
            shape, bound = (config.num_layers, config.lora.rank), 1.0 / math.sqrt(size_in)
            self.lora_a[name_of(m)] = nn.Parameter(
                torch.empty(*shape, size_in).uniform_(-bound, bound)
            )
            self.lora_b[name_of(m)] = nn.Parameter(torch.zeros(*shape, size_out))

    @property
    def fingerprint(self) -> str:
        """Digest of kind, shape and weights, independent of the order of modules."""
        shape = MultiTaskConfig(self.config.num_layers, self.config.module_shapes, self.config.lora)
        # a PEFT folder doesn't keep the order of modules
        return self._fingerprint.of(self.kind, shape, dict(sorted(self.state_dict().items())))

    def encode(self, conditions: Sequence[str]) -> Tensor:
        """Return ones `[N, 1]`, fp32: the one adapter does not depend on conditions."""
        return torch.ones(len(conditions), 1)

    def use_encoder(self, encoder: TextEncoder) -> None:
        """Ignore the encoder: the one adapter does not depend on conditions."""

    def adapters(self, latents: Tensor) -> LoraBatch:
        """Return the one adapter N times, as views: A `[layers, N, rank, in]`, B `[layers, N, rank,
        out]`.
        """
        count = len(latents)
        keys = self.config.module_shapes
        lora_a = {m: self.lora_a[name_of(m)][:, None].expand(-1, count, -1, -1) for m in keys}
        lora_b = {m: self.lora_b[name_of(m)][:, None].expand(-1, count, -1, -1) for m in keys}
        return LoraBatch(self.config.lora, lora_a, lora_b, self.config.module_paths)

    @torch.no_grad()
    def generate(
        self, conditions: Sequence[Any] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        """Return the one adapter for each condition or code, detached from its parameters."""
        batch = super().generate(conditions, codes=codes)
        # views of a parameter require grad even here
        lora_a = {m: t.detach() for m, t in batch.lora_a.items()}
        lora_b = {m: t.detach() for m, t in batch.lora_b.items()}
        return replace(batch, lora_a=lora_a, lora_b=lora_b)

    def weights(self) -> LoraWeights:
        """Return the adapter, ready for a PEFT folder."""
        return self.generate(codes=torch.ones(1, 1))[0]

    @staticmethod
    def is_folder(folder: Path) -> bool:
        """Return whether a folder is a PEFT adapter's."""
        names = {"adapter_config.json", "adapter_model.safetensors"}
        here = {path.name for path in folder.iterdir()}
        return names <= here and files.CONFIG_NAME not in here

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        dtype: torch.dtype | None = None,
        state: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write the adapter as a PEFT folder, in its own dtype.

        Args:
            dtype: ignored, since one adapter is small.
            state: tensors to write instead of `state_dict()`.

        Raises:
            AdapterMismatch: the config has no module paths.
        """
        source = self
        if state is not None:
            source = MultiTaskLora(self.config)
            source.load_state_dict(dict(state))
        source.weights().save_pretrained(folder)

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, encoder: TextEncoder | None = None, **options: Any
    ) -> MultiTaskLora:
        """Load a PEFT folder.

        Raises:
            CheckpointError: it is damaged, or its modules occur in different numbers of layers.
        """
        try:
            weights = LoraWeights.from_pretrained(files.find(name))
        except AdapterFormatError as error:
            raise CheckpointError(str(error)) from error
        counts = {m: len(a) for m, a in weights.lora_a.items()}
        if len({*counts.values()}) > 1:
            raise CheckpointError(
                f"every module of {name} must have as many layers as the others, got {counts}"
            )
        shapes = {m: (a.shape[2], weights.lora_b[m].shape[2]) for m, a in weights.lora_a.items()}
        layers = next(iter(counts.values()))
        model = cls(MultiTaskConfig(layers, shapes, weights.config, module_paths=weights.paths))
        with torch.no_grad():
            for m in shapes:
                model.lora_a[name_of(m)].copy_(weights.lora_a[m])
                model.lora_b[name_of(m)].copy_(weights.lora_b[m])
        return model.eval()
