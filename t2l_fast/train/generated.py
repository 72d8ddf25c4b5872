"""The adapters of one step: kept whole, or made anew wherever they are read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import TextToLora
from t2l_fast.train.losses import generated_l2


def auxiliary_losses(generator: Any) -> dict[str, Tensor]:
    """What a generator adds to any loss after a forward pass, by its name in the metrics."""
    extra = getattr(generator, "auxiliary_loss", None)
    return {} if extra is None else {"auxiliary_loss": extra}


class Kept:
    """Made once, as one batch; micro-batches add to its gradients, and `finish` goes back once."""

    def __init__(self, generator: Any, codes: Tensor) -> None:
        self._made: LoraBatch = generator(codes)
        self._extra = auxiliary_losses(generator)
        self.batch = LoraBatch(
            self._made.config,
            {m: t.detach().requires_grad_() for m, t in self._made.lora_a.items()},
            {m: t.detach().requires_grad_() for m, t in self._made.lora_b.items()},
        )

    def finish(self, l2: float) -> float:
        """Add all gradients to the generator's, with those of `l2 · generated_l2`; its value.

        The generator's own auxiliary loss goes with them.
        """
        penalty = l2 * generated_l2(self._made)
        gradients = [t.grad for t in self.batch.parameters()]
        losses = [penalty, *self._extra.values()]
        torch.autograd.backward(
            [*self._made.parameters(), *losses], [*gradients, *[None] * len(losses)]
        )
        return penalty.item()


class Remade:
    """Only latents are kept; heads run again in backward, whose gradients reach them at once."""

    def __init__(self, generator: TextToLora, codes: Tensor) -> None:
        self._cut = generator.cut(generator.latents(codes))
        self._extra = auxiliary_losses(generator)
        self._leaves = {key: t.detach().requires_grad_() for key, t in self._cut.items()}
        self.batch = generator.deferred(self._leaves)

    def finish(self, l2: float) -> float:
        """As `Kept.finish`; matrices of one site at a time."""
        total = 0.0
        for (m, layer), leaf in self._leaves.items() if l2 else ():
            layers = self.batch.module_shapes[m][0]
            made = (self.batch.matrix(m, layer, part, leaf.dtype) for part in (0, 1))
            penalty = torch.stack([t.square().mean() for t in made]).sum() * (l2 / layers)
            penalty.backward()
            total += penalty.item()
        torch.autograd.backward(
            [*self._cut.values(), *self._extra.values()],
            [*(leaf.grad for leaf in self._leaves.values()), *[None] * len(self._extra)],
        )
        return total
