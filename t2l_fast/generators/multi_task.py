"""One LoRA for all tasks: the rival that every generator has to beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.weights import LoraBatch, LoraWeights
from t2l_fast.generators.config import T2LConfig
from t2l_fast.generators.fingerprint import Fingerprint


class MultiTaskLora(nn.Module, AdapterGenerator):
    """Gives the same trainable adapter whatever the condition; trained like any generator.

    Args:
        config: of the generator it is compared with; only shapes and `lora` count.
    """

    kind = "multi_task_lora"
    code_shape = (1,)

    def __init__(self, config: T2LConfig) -> None:
        super().__init__()
        self.config = config
        self._fingerprint = Fingerprint()
        self.lora_a, self.lora_b = nn.ParameterDict(), nn.ParameterDict()
        for m, (size_in, size_out) in config.module_shapes.items():
            shape, bound = (config.num_layers, config.lora.rank), 1.0 / math.sqrt(size_in)
            self.lora_a[_name(m)] = nn.Parameter(
                torch.empty(*shape, size_in).uniform_(-bound, bound)
            )
            self.lora_b[_name(m)] = nn.Parameter(torch.zeros(*shape, size_out))

    @property
    def fingerprint(self) -> str:
        return self._fingerprint.of(self.kind, self.config, self)

    def encode(self, conditions: Sequence[str]) -> Tensor:
        """Ones `[N, 1]`: conditions don't matter."""
        return torch.ones(len(conditions), 1)

    def forward(self, codes: Tensor) -> LoraBatch:
        count = len(codes)
        keys = self.config.module_shapes
        lora_a = {m: self.lora_a[_name(m)][:, None].expand(-1, count, -1, -1) for m in keys}
        lora_b = {m: self.lora_b[_name(m)][:, None].expand(-1, count, -1, -1) for m in keys}
        return LoraBatch(self.config.lora, lora_a, lora_b, self.config.module_paths)

    @torch.no_grad()
    def generate(
        self, conditions: Sequence[str] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        batch = self(codes if codes is not None else self.encode(conditions or ()))
        # views of a parameter require grad even here
        lora_a = {m: t.detach() for m, t in batch.lora_a.items()}
        lora_b = {m: t.detach() for m, t in batch.lora_b.items()}
        return replace(batch, lora_a=lora_a, lora_b=lora_b)

    def weights(self) -> LoraWeights:
        """The adapter, ready for a PEFT folder."""
        return self.generate(codes=torch.ones(1, 1))[0]


def _name(module: str) -> str:
    return module.replace(".", "/")
