"""What one site adds: the delta of its slots, of plain LoRA and DoRA."""

from __future__ import annotations

import torch
from torch import Tensor

from t2l_fast.adapters.dora import Gains, row_gains
from t2l_fast.adapters.sites import Site
from t2l_fast.errors import UseError
from t2l_kernels import Route, Workspace, multi_lora, multi_lora_


class LoraDelta:
    """A and B of one site's slots, and the gains of those that hold DoRA adapters.

    Args:
        lora_a: `[S, R, in]`.
        lora_b: `[S, R, out]`.
        scalings: `[S]` fp32.
        ranks: `[S]` int32.
        site: where they are applied.
    """

    def __init__(
        self, lora_a: Tensor, lora_b: Tensor, scalings: Tensor, ranks: Tensor, site: Site
    ) -> None:
        self.lora_a, self.lora_b = lora_a, lora_b
        self.scalings, self.ranks = scalings, ranks
        self.site = site
        self.gains: Gains | None = None
        self.captured = False

    def set_magnitude(
        self, slot: int, a: Tensor, b: Tensor, scaling: float, magnitude: Tensor
    ) -> Tensor:
        """Set a slot's gains and return them, `[out]`; arguments as for `row_gains`.

        Raises:
            UseError: they are the site's first, and a CUDA graph without gains was captured.
        """
        gains = row_gains(self.site, a, b, scaling, magnitude)
        if self.gains is None:
            if self.captured:
                raise UseError(
                    "a CUDA graph was captured before the first DoRA adapter had a slot: lease one "
                    "before the capture, or capture again after detach() and attach()"
                )
            self.gains = Gains(self.lora_b.shape[0], self.site, gains)
        self.gains.set(slot, gains)
        return gains

    def apply(
        self, site: Site, x: Tensor, y: Tensor, route: Route, workspace: Workspace | None
    ) -> Tensor:
        """Return `y` with every row's adapter applied, as `Delta.apply` says."""
        if self.gains is not None:
            y = self.gains.scale(y, route)
        elif workspace is None and not torch.compiler.is_compiling():
            self.captured = True
        return add_delta(
            x, y, self.lora_a, self.lora_b, route, self.scalings, self.ranks, workspace
        )


def add_delta(
    x: Tensor,
    y: Tensor,
    lora_a: Tensor,
    lora_b: Tensor,
    route: Route,
    scalings: Tensor,
    ranks: Tensor | None,
    workspace: Workspace | None = None,
) -> Tensor:
    """Return `y + delta`, in place where autograd allows it.

    Args:
        x: `[…, in]`, the linear's input.
        y: `[…, out]`, its output.
        lora_a: `[S, R, in]`.
        lora_b: `[S, R, out]`.
        route: of the leading dims of `x`, flattened.
        scalings: `[S]` fp32.
        ranks: `[S]` int32 or None.
        workspace: for what no gradient keeps.
    """
    x = x.to(lora_a.dtype)
    tracked = torch.is_grad_enabled() and (
        x.requires_grad or y.requires_grad or lora_a.requires_grad or lora_b.requires_grad
    )
    if y.dtype != lora_a.dtype:
        delta = multi_lora(x, lora_a, lora_b, route, scalings=scalings, ranks=ranks)
        return y + delta.to(y.dtype)
    if tracked or not y.is_contiguous():
        return multi_lora(x, lora_a, lora_b, route, scalings=scalings, ranks=ranks, residual=y)
    rows, out = x.reshape(-1, x.shape[-1]), y.view(-1, y.shape[-1])
    multi_lora_(
        rows, lora_a, lora_b, route, scalings=scalings, ranks=ranks, out=out, workspace=workspace
    )
    return y
