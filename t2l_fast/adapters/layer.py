"""MultiLoraLinear: the stand-alone layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from t2l_fast.adapters.kinds.delta import add_delta
from t2l_fast.adapters.routes import route_of
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ArgumentError, UnsupportedModel
from t2l_kernels import Route


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

    scalings: Tensor

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
            slots: `[B]` per row of the first dim, or one per token (the leading dims of `x`); −1 is
                the base. Or a Route over the flattened tokens. None is the base alone.

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
