"""A linear's output plus the delta of every row's adapter."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t2l_fast.config import LoraConfig
from t2l_fast.errors import ArgumentError, UnsupportedModel
from t2l_kernels import Route, Workspace, multi_lora, multi_lora_


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
    """`y + delta`, in place where autograd allows it.

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


class MultiLoraLinear(nn.Module):
    """A linear with `num_slots` trainable adapters, one of them chosen per row: stands alone.

    Args:
        base: the linear to wrap (`in_features`, `out_features`); frozen here.
        num_slots: adapters held.
        rank: their rank.
        alpha: numerator of the scale alpha/rank; None = rank, scale 1.
        dtype: of the adapters; None = the base weight's.

    Raises:
        UnsupportedModel: `base` is no linear.
    """

    def __init__(
        self,
        base: nn.Module,
        *,
        num_slots: int,
        rank: int,
        alpha: float | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        in_features, out_features = (
            getattr(base, "in_features", None),
            getattr(base, "out_features", None),
        )
        weight = getattr(base, "weight", None)
        if not isinstance(in_features, int) or not isinstance(out_features, int) or weight is None:
            raise UnsupportedModel(
                f"base must be a linear with in_features and out_features, got "
                f"{type(base).__name__}"
            )
        if num_slots < 1:
            raise ArgumentError(f"num_slots must be at least 1, got {num_slots}")
        config = LoraConfig(("base",), rank, rank if alpha is None else alpha)
        self.base = base.requires_grad_(False)
        dtype = dtype or (weight.dtype if weight.dtype.is_floating_point else torch.float32)
        where = {"dtype": dtype, "device": weight.device}
        bound = in_features**-0.5
        a = torch.empty(num_slots, rank, in_features, **where).uniform_(-bound, bound)
        self.lora_a = nn.Parameter(a)
        self.lora_b = nn.Parameter(torch.zeros(num_slots, rank, out_features, **where))
        self.register_buffer(
            "scalings", torch.full((num_slots,), config.scaling, device=weight.device)
        )

    def forward(self, x: Tensor, slots: Tensor | Route | None = None) -> Tensor:
        """Apply the base and the chosen adapters.

        Args:
            x: `[…, in]`.
            slots: `[B]` per row of the first dim, or one per token (the leading dims of `x`), −1 =
                base; a Route over the flattened tokens; or None for the base alone.

        Raises:
            ArgumentError: `slots` doesn't fit `x`, or lies outside the slots.
        """
        y = self.base(x)
        if slots is None:
            return y
        route = (
            slots
            if isinstance(slots, Route)
            else route_of(slots, x.shape[:-1], num_slots=self.lora_a.shape[0])
        )
        return add_delta(x, y, self.lora_a, self.lora_b, route, self.scalings, None)


def route_of(
    slots: Tensor, leading: torch.Size, repeat: int = 1, *, num_slots: int | None = None
) -> Route:
    """The route of an input with these leading dims, from a slot per row or per token.

    Args:
        num_slots: bounds the different slots: smaller tables, and larger blocks for a kernel.

    Raises:
        ArgumentError: the slots fit neither the rows (times `repeat`) nor the tokens.
    """
    if slots.dim() == 1 and len(leading) > 0:
        rows = slots.shape[0]
        if leading[0] == rows:
            bound = _bound(rows, num_slots)
            return Route.from_sequences(slots, leading[1:].numel(), max_segments=bound)
        if leading[0] == rows * repeat:
            each = slots.repeat_interleave(repeat)
            bound = _bound(rows, num_slots)
            return Route.from_sequences(each, leading[1:].numel(), max_segments=bound)
    elif slots.shape == leading:
        bound = _bound(slots.numel(), num_slots)
        return Route.from_tokens(slots.reshape(-1), max_segments=bound)
    expected = f"[{leading[0] if leading else 1}]" if len(leading) < 2 else f"{tuple(leading)}"
    raise ArgumentError(
        f"slots must fit the input's leading dims {tuple(leading)} (repeat={repeat}): one per "
        "row of "
        f"the first dim, or one per token {expected}; got shape {tuple(slots.shape)}"
    )


def _bound(items: int, num_slots: int | None) -> int:
    return items if num_slots is None else torch.sym_min(items, num_slots + 1)  # one more: none
