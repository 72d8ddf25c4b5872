"""Heads trained on whitened latents, and stored as plain heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from t2l_fast.adapters import LoraBatch
from t2l_fast.generators import Generator

_RIDGE = 1e-2
"""Share of the mean variance that is added to all directions."""
_FIT_RIDGE = 1e-1
"""The same for least squares."""


class WhitenedHeads:
    """A change of variables for the optimiser; the generator and its outputs stay what they are.

    A head y = W z + b reads latents that are mostly alike for all tasks and layers. Plain gradient
    descent therefore moves all adapters together first and separates tasks late. Written as
    y = V P(z − μ) + c, where P whitens the latents of the training codes, the same head has
    directions of equal size. The optimiser sees V and c; W = V P and b = c − W μ follow. Heads must
    have a bias: nothing else can take up what centring removes.

    Args:
        generator: V and c start where its heads are (V = 0, c = b for new ones).
        codes: `[D, d_e]`, one of every training task.
    """

    def __init__(self, generator: Generator, codes: Tensor) -> None:
        self.generator = generator
        self.heads = dict(generator.head_linears())
        self.parameters: dict[str, nn.Parameter] = {}
        self.basis: dict[str, Tensor] = {}
        inputs = _head_inputs(generator, codes)
        for name, head in self.heads.items():
            flat = inputs[name].flatten(0, -2).double()
            centre = flat.mean(0)
            spread = (flat - centre).T @ (flat - centre) / len(flat)
            values, vectors = torch.linalg.eigh(spread)
            scale = (values + _RIDGE * values.mean()).rsqrt() / len(values) ** 0.5
            self.basis[f"{name}.p"] = (vectors * scale).T.float().contiguous()
            self.basis[f"{name}.mu"] = centre.float()
            weight, bias = head.weight.detach(), head.bias.detach()
            v = weight.double() @ (vectors / scale)
            self.parameters[f"{name}.v"] = nn.Parameter(v.to(weight))
            self.parameters[f"{name}.c"] = nn.Parameter(bias + weight @ centre.to(weight))

    @torch.no_grad()
    def pull_gradients(self) -> None:
        """Turn the gradients of W and b into those of V and c."""
        for name, head in self.heads.items():
            p, mu = self.basis[f"{name}.p"], self.basis[f"{name}.mu"]
            of_weight, of_bias = head.weight.grad, head.bias.grad
            assert of_weight is not None and of_bias is not None
            self.parameters[f"{name}.v"].grad = (of_weight - torch.outer(of_bias, mu)) @ p.T
            self.parameters[f"{name}.c"].grad = of_bias.clone()

    @torch.no_grad()
    def push_values(self) -> None:
        """Turn V and c into W and b."""
        for name, head in self.heads.items():
            p, mu = self.basis[f"{name}.p"], self.basis[f"{name}.mu"]
            head.weight.copy_(self.parameters[f"{name}.v"] @ p)
            head.bias.copy_(self.parameters[f"{name}.c"] - head.weight @ mu)

    @torch.no_grad()
    def least_squares(
        self, embeddings: Sequence[Tensor], adapters: LoraBatch, *, wordings: int = 3
    ) -> None:
        """Set the heads to the ridge regression from their inputs to adapters.

        Heads whose adapters are not linear in their outputs stay as they are.

        Args:
            embeddings: of every adapter's descriptions, `[D, d_e]` each; the first few are used.
            adapters: what each description should give.
        """
        codes = (torch.stack([e[i % len(e)] for e in embeddings]) for i in range(wordings))
        targets = self.generator.head_targets(adapters.to(self.generator.anchor.device))
        if targets is None:
            return
        inputs = [_head_inputs(self.generator, part) for part in codes]
        for name in self.heads:
            p, mu = self.basis[f"{name}.p"], self.basis[f"{name}.mu"]
            goal = targets[name].to(mu)
            average = goal.mean(0)
            gram = mu.new_zeros(len(mu), len(mu))
            cross = mu.new_zeros(len(mu), goal.shape[1])
            for read in inputs:
                z = (read[name].flatten(0, 1) - mu) @ p.T
                gram += z.T @ z
                cross += z.T @ (goal - average)
            ridge = _FIT_RIDGE * gram.diagonal().mean() * torch.eye(len(mu)).to(mu)
            self.parameters[f"{name}.v"].copy_(torch.linalg.solve(gram + ridge, cross).T)
            self.parameters[f"{name}.c"].copy_(average)
        self.push_values()


@torch.no_grad()
def _head_inputs(generator: Generator, codes: Tensor) -> Mapping[str, Tensor]:
    with generator.inference():
        return generator.head_inputs(generator.latents(codes))
