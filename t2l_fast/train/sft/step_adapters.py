"""The adapters of one step: materialised, or recomputed wherever they are read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import Generator
from t2l_fast.train.model.losses import generated_l2


class MaterialisedAdapters:
    """Make all adapters once, as one batch.

    Micro-batches add to its gradients; `finish` runs one backward pass through the generator.

    Args:
        codes: `[N, d_e]`, of a whole step.
        chosen: indices of those whose adapters are made here; None = all.
    """

    def __init__(
        self, generator: Generator, codes: Tensor, chosen: Sequence[int] | None = None
    ) -> None:
        self._adapters = _adapters(generator, codes, chosen)
        self._extra = generator.auxiliary_losses()
        self.batch = LoraBatch(
            self._adapters.config,
            {m: t.detach().requires_grad_() for m, t in self._adapters.lora_a.items()},
            {m: t.detach().requires_grad_() for m, t in self._adapters.lora_b.items()},
        )

    def finish(self, l2: float, share: float = 1.0) -> float:
        """Add all gradients to the generator's, with those of `l2 · generated_l2`; its value.

        The generator's own auxiliary loss goes with them.

        Args:
            share: weight of both losses: what is made here, of what all processes make.
        """
        penalty = share * l2 * generated_l2(self._adapters)
        gradients = [t.grad for t in self.batch.parameters()]
        losses = [penalty, *(share * loss for loss in self._extra.values())]
        torch.autograd.backward(
            [*self._adapters.parameters(), *losses], [*gradients, *[None] * len(losses)]
        )
        return penalty.item()


class RecomputedAdapters:
    """Keep the latents and recompute the heads in the backward pass.

    Args:
        codes, chosen: as for `MaterialisedAdapters`.
    """

    def __init__(
        self, generator: Generator, codes: Tensor, chosen: Sequence[int] | None = None
    ) -> None:
        latents = generator.latents(codes)
        self._extra = generator.auxiliary_losses()
        cut = generator.cut(latents if chosen is None else generator.pick(latents, chosen))
        assert cut is not None, "SFTTrainer refuses generators that do not defer"
        self._cut = cut
        self._leaves = {key: t.detach().requires_grad_() for key, t in self._cut.items()}
        batch = generator.deferred(self._leaves)
        assert batch is not None
        self.batch = batch

    def finish(self, l2: float, share: float = 1.0) -> float:
        """Do as `MaterialisedAdapters.finish`, one site at a time."""
        total = 0.0
        for (m, layer), leaf in self._leaves.items() if l2 else ():
            layers = self.batch.module_shapes[m][0]
            matrices = (self.batch.matrix(m, layer, part, leaf.dtype) for part in (0, 1))
            penalty = torch.stack([t.square().mean() for t in matrices]).sum() * (
                share * l2 / layers
            )
            penalty.backward()
            total += penalty.item()
        torch.autograd.backward(
            [*self._cut.values(), *(share * loss for loss in self._extra.values())],
            [*(leaf.grad for leaf in self._leaves.values()), *[None] * len(self._extra)],
        )
        return total


def _adapters(generator: Generator, codes: Tensor, chosen: Sequence[int] | None) -> LoraBatch:
    """Return adapters of some codes; what is random in a generator is drawn for all of them.

    So every process draws the same, however many there are. The trunk runs for the whole step, the
    heads, which cost more, for `chosen`.
    """
    if chosen is None:
        return generator(codes)
    return generator.adapters(generator.pick(generator.latents(codes), chosen))
