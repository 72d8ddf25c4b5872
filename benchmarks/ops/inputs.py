"""One problem's tensors, under a popularity pattern."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from benchmarks.ops.popularity import lengths
from t2l_kernels import Impl, Route
from t2l_kernels.lora.cost import Batch

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """One problem: a linear's sizes, tokens under a popularity pattern, a bank of slots."""

    tokens: int
    popularity: str
    width: int = 4096
    rank: int = 16
    num_slots: int | None = None  # None: as many as adapters
    dtype: torch.dtype = torch.float32

    @property
    def lengths(self) -> list[int]:
        """Tokens per adapter."""
        return lengths(self.popularity, self.tokens)

    @property
    def batch(self) -> Batch:
        """The same sizes as the cost model takes them."""
        return Batch(
            tuple(self.lengths),
            self.width,
            self.width,
            self.rank,
            self.num_slots,
            len(self.lengths),
            self.dtype,
        )

    def __str__(self) -> str:
        slots = self.num_slots or len(self.lengths)
        return (
            f"{self.tokens} tokens, {self.popularity}: {len(self.lengths)} adapters of {slots} "
            f"slots, d {self.width}, r {self.rank}"
        )


@dataclass
class Inputs:
    """Tensors of one problem; tokens of all adapters are mixed."""

    shape: Shape
    slots: Tensor
    x: Tensor
    y: Tensor
    lora_a: Tensor
    lora_b: Tensor
    scalings: Tensor
    grad: Tensor
    tables: dict[str, Any] = field(default_factory=dict)  # built once per forward pass

    @classmethod
    def make(cls, shape: Shape, device: str = "cpu", seed: int = 0) -> "Inputs":
        """Draw the tensors of a shape."""
        generator = torch.Generator().manual_seed(seed)

        def normal(*size: int) -> Tensor:
            return torch.randn(size, generator=generator).to(device, shape.dtype)

        sizes = torch.tensor(shape.lengths)
        slots_held = shape.num_slots or len(sizes)
        chosen = torch.randperm(slots_held, generator=generator)[: len(sizes)]
        slots = chosen.repeat_interleave(sizes)
        slots = slots[torch.randperm(shape.tokens, generator=generator)]
        return cls(
            shape=shape,
            slots=slots.to(device, torch.int32),
            x=normal(shape.tokens, shape.width),
            y=normal(shape.tokens, shape.width),
            lora_a=normal(slots_held, shape.rank, shape.width) / shape.width**0.5,
            lora_b=normal(slots_held, shape.rank, shape.width),
            scalings=torch.full((slots_held,), 2.0, device=device),
            grad=normal(shape.tokens, shape.width),
        )

    def route(self, impl: Impl) -> Route:
        """Build the route once, as in a model: every layer of a forward pass reads the same."""

        def build() -> Route:
            bound = len(self.shape.lengths)
            return Route.from_tokens(self.slots, max_segments=bound, impl=impl)

        return self.once(impl, build)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` returned at the first call with this name."""
        if name not in self.tables:
            self.tables[name] = make()
        return self.tables[name]


def in_dtype(inputs: Inputs, dtype: torch.dtype) -> Inputs:
    """Convert the problem to another dtype; tables built once are shared."""
    names = ("x", "y", "lora_a", "lora_b", "grad")
    return replace(inputs, **{name: getattr(inputs, name).to(dtype) for name in names})
