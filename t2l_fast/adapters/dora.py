"""DoRA (Liu et al. 2024): what a magnitude makes of a linear's rows.

With magnitude m and ΔW = s · Bᵀ A the weight is m / ‖W + ΔW‖ · (W + ΔW), norms over each output's
row. So the output is the plain LoRA's without bias, times one gain per output.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from t2l_fast.adapters.sites import Site, is_conv1d
from t2l_fast.errors import AdapterMismatch, UnsupportedModel
from t2l_kernels import Route


class Gains:
    """The gains of one site's slots; slots without DoRA leave the output as it is, bit for bit.

    Args:
        num_slots: S.
        site: whose output is scaled.
        like: gains of the dtype and device to hold.
    """

    def __init__(self, num_slots: int, site: Site, like: Tensor) -> None:
        with torch.inference_mode(False):
            self.factors = like.new_ones(num_slots, site.out_features)
            self.live = torch.zeros(num_slots, dtype=torch.bool, device=like.device)
        self.bias: Tensor | None = getattr(site.module, "bias", None)

    def set(self, slot: int, gains: Tensor) -> None:
        """Put a DoRA adapter's gains `[out]` into a slot."""
        self.factors[slot] = gains
        self.live[slot] = True

    def drop(self, slots: Tensor) -> None:
        """Note that these slots `[N]` hold no DoRA adapter."""
        self.live[slots.to(self.live.device)] = False

    def scale(self, y: Tensor, route: Route) -> Tensor:
        """Return the base output with the rows of DoRA adapters scaled, the bias left out.

        Args:
            y: `[…, out]`.
            route: of its leading dims, flattened.
        """
        slots = route.token_slots.clamp(min=0).long()
        scaled = (self.live[slots] & (route.token_slots >= 0)).view(*y.shape[:-1], 1)
        factors = self.factors[slots].view(*y.shape)
        bias = 0.0 if self.bias is None else self.bias.to(factors.dtype)
        return torch.where(scaled, (bias + factors * (y - bias)).to(y.dtype), y)


@torch.no_grad()
def row_gains(site: Site, a: Tensor, b: Tensor, scaling: float, magnitude: Tensor) -> Tensor:
    """Return m / ‖W + s · Bᵀ A‖ for every output, `[out]` fp32 (fp64 for an fp64 base).

    Args:
        site: whose linear has W, quantised or not.
        a: `[rank, in]`.
        b: `[rank, out]`.
        scaling: s.
        magnitude: m, `[out]`.

    Raises:
        AdapterMismatch: a row of the sum is zero, or a number is not finite.
        UnsupportedModel: the linear's weight can't be read.
    """
    weight = _weight(site.module, site.path)
    wide = torch.promote_types(weight.dtype, torch.float32)
    a, b = a.to(weight.device, wide), b.to(weight.device, wide)
    weight = weight.to(wide)
    cross = ((weight @ a.T) * b.T).sum(1)
    squares = torch.linalg.vector_norm(weight, dim=1).square() + 2 * scaling * cross
    squares += scaling**2 * ((a @ a.T @ b) * b).sum(0)  # without the product B A in memory
    norms = squares.sqrt()
    gains = magnitude.to(weight.device, wide) / norms
    if not gains.isfinite().all():
        raise AdapterMismatch(
            f"DoRA's magnitudes divided by the weights' norms must be finite, got some that are "
            f"not at {site.path}: the adapter belongs to another base model"
        )
    return gains


def _weight(module: nn.Module, path: str) -> Tensor:
    """Return a linear's weight as `[out, in]`, dequantised where it is packed."""
    weight = module.weight
    if type(weight.data) is torch.Tensor and weight.dtype.is_floating_point:
        whole = weight.data
    else:
        try:
            whole = _dequantised(module)
        except Exception as error:  # each quantiser fails in its own way
            raise UnsupportedModel(
                f"DoRA needs the base weight, got one that doesn't dequantise at {path} "
                f"({type(error).__name__}): load the model without quantisation"
            ) from error
    whole = whole.T if is_conv1d(module) else whole
    if whole.dim() != 2 or whole.is_meta:
        raise UnsupportedModel(f"DoRA needs the whole base weight, got none in memory at {path}")
    return whole


def _dequantised(module: nn.Module) -> Tensor:
    from peft.utils.integrations import dequantize_module_weight

    if getattr(getattr(module.weight, "quant_state", None), "packing_format_for_cpu", False):
        # bitsandbytes lays 4-bit weights out anew at a CPU's first forward. No function of its own
        # reads that layout right, but forward: W is what it makes of the unit vectors.
        unit = torch.eye(cast(int, module.in_features))
        return (module.forward(unit) - module.forward(torch.zeros_like(unit[:1]))).T
    return dequantize_module_weight(module)
