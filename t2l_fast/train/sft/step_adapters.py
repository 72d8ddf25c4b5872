"""The adapters of one step: kept whole, or made anew wherever they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import TextToLora
from t2l_fast.train.model.losses import generated_l2


def auxiliary_losses(generator: Any) -> dict[str, Tensor]:
    """What a generator adds to any loss after a forward pass, by its name in the metrics."""
    extra = getattr(generator, "auxiliary_loss", None)
    return {} if extra is None else {"auxiliary_loss": extra}


class Kept:
    """Made once, as one batch; micro-batches add to its gradients, and `finish` goes back once.

    Args:
        codes: `[N, d_e]`, of a whole step.
        own: indices of those whose adapters are made here; None = all.
    """

    def __init__(self, generator: Any, codes: Tensor, own: Sequence[int] | None = None) -> None:
        self._made = _adapters(generator, codes, own)
        self._extra = auxiliary_losses(generator)
        self.batch = LoraBatch(
            self._made.config,
            {m: t.detach().requires_grad_() for m, t in self._made.lora_a.items()},
            {m: t.detach().requires_grad_() for m, t in self._made.lora_b.items()},
        )

    def finish(self, l2: float, share: float = 1.0) -> float:
        """Add all gradients to the generator's, with those of `l2 · generated_l2`; its value.

        The generator's own auxiliary loss goes with them.

        Args:
            share: weight of both losses: what is made here, of what all processes make.
        """
        penalty = share * l2 * generated_l2(self._made)
        gradients = [t.grad for t in self.batch.parameters()]
        losses = [penalty, *(share * loss for loss in self._extra.values())]
        torch.autograd.backward(
            [*self._made.parameters(), *losses], [*gradients, *[None] * len(losses)]
        )
        return penalty.item()


class Remade:
    """Only latents are kept; heads run again in backward, whose gradients reach them at once.

    Args:
        codes, own: as for `Kept`.
    """

    def __init__(
        self, generator: TextToLora, codes: Tensor, own: Sequence[int] | None = None
    ) -> None:
        latents = generator.latents(codes)
        self._extra = auxiliary_losses(generator)
        self._cut = generator.cut(latents if own is None else generator.pick(latents, own))
        self._leaves = {key: t.detach().requires_grad_() for key, t in self._cut.items()}
        self.batch = generator.deferred(self._leaves)

    def finish(self, l2: float, share: float = 1.0) -> float:
        """As `Kept.finish`; matrices of one site at a time."""
        total = 0.0
        for (m, layer), leaf in self._leaves.items() if l2 else ():
            layers = self.batch.module_shapes[m][0]
            made = (self.batch.matrix(m, layer, part, leaf.dtype) for part in (0, 1))
            penalty = torch.stack([t.square().mean() for t in made]).sum() * (share * l2 / layers)
            penalty.backward()
            total += penalty.item()
        torch.autograd.backward(
            [*self._cut.values(), *(share * loss for loss in self._extra.values())],
            [*(leaf.grad for leaf in self._leaves.values()), *[None] * len(self._extra)],
        )
        return total


def _adapters(generator: Any, codes: Tensor, own: Sequence[int] | None) -> LoraBatch:
    """Adapters of some codes; what is random in a generator is drawn for all of them.

    So every process draws the same, however many there are: the trunk runs for the whole step, the
    heads, which cost more, for what is asked for.
    """
    if own is None:
        return generator(codes)
    if isinstance(generator, TextToLora):
        return generator.adapters(generator.pick(generator.latents(codes), own))
    whole: LoraBatch = generator(codes)
    lora_a, lora_b = (
        {m: t[:, list(own)] for m, t in part.items()} for part in (whole.lora_a, whole.lora_b)
    )
    return LoraBatch(whole.config, lora_a, lora_b, whole.paths)
