"""The protocol between the bank and whatever makes adapters from codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from t2l_fast.adapters.bases import Bases
from t2l_fast.adapters.batch import LoraBatch


class BatchSlots(Protocol):
    """Slots that take a whole batch of adapters, as `LoraSlab` does."""

    def write_batch(self, batch: LoraBatch, slots: Tensor) -> None:
        """Put adapter i into `slots[i]` (`[N]` integers); −1 skips one."""
        ...


@runtime_checkable
class AdapterGenerator(Protocol):
    """Makes LoRA weights from conditions (text, documents, examples) by way of codes.

    Subclass it to inherit `generate_into`; any object with these members will do.
    """

    kind: str
    """Short name of the system, e.g. "text_to_lora"."""

    code_shape: tuple[int, ...]
    """Shape of one code."""

    @property
    def fingerprint(self) -> str:
        """Return an id of weights, base model, encoder and config: equal only if adapters are."""
        ...

    def encode(self, conditions: Sequence[Any]) -> Tensor:
        """Return the codes `[N, *code_shape]` of N conditions."""
        ...

    def forward(self, codes: Tensor) -> LoraBatch:
        """Return the adapters of `[N, *code_shape]` codes, with their autograd graph."""
        ...

    def generate(
        self, conditions: Sequence[Any] | None = None, *, codes: Tensor | None = None
    ) -> LoraBatch:
        """Return the adapters of conditions or of codes, for inference (no graph)."""
        ...

    def generate_into(self, codes: Tensor, slab: BatchSlots, slots: Tensor) -> None:
        """Write the adapter of code i into slot `slots[i]` (`[N]`; −1 skips)."""
        slab.write_batch(self.generate(codes=codes), slots)


@runtime_checkable
class CoreGenerator(AdapterGenerator, Protocol):
    """A generator whose adapters may be kept as cores over shared bases (`ops.basis_lora`)."""

    def bases(self) -> Bases | None:
        """Return what its adapters share; None if they share nothing and are materialised."""
        ...

    def cores(self, codes: Tensor) -> LoraBatch:
        """Return the cores of `[N, *code_shape]` codes, for inference: rows of h_a and h_b."""
        ...
