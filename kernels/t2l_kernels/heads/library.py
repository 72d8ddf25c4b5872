"""`head_into_slots` as a torch.library op.

Arguments have the names and shapes of `t2l_kernels.heads.api`, unless a docstring says otherwise.
"""

from collections import Counter

import torch
from torch import Tensor

from t2l_kernels._core.checks import ArgumentError, check_slot_range
from t2l_kernels._core.impl import resolve_impl
from t2l_kernels._core.register import operator
from t2l_kernels.heads import reference, torch_impl


def _check_slots(slots: list[int], num_slots: int) -> None:
    check_slot_range(slots, num_slots)
    live = [slot for slot in slots if slot >= 0]
    if len(set(live)) < len(live):
        twice = next(slot for slot, count in Counter(live).items() if count > 1)
        raise ArgumentError(f"slots must all be different, got slot {twice} more than once")


@operator("head_into_slots", mutates=["out"])
def head_into_slots(
    latents: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    offset: Tensor | None,
    mean: Tensor | None,
    std: Tensor | None,
    slots: Tensor,
    out: Tensor,
    impl: str,
) -> None:
    """Run the chosen implementation of `ops.head_into_slots`."""
    if slots.device.type == "cpu":  # a GPU is not asked
        _check_slots(slots.tolist(), out.shape[1])
    chosen = resolve_impl(impl, out.device)
    if chosen == "triton":
        from t2l_kernels.heads import launch as module
    else:
        module = {"torch": torch_impl, "reference": reference}[chosen]
    with torch.no_grad():
        where = slots.to(out.device, non_blocking=True)
        module.head_into_slots(latents, weight, bias, (offset, mean, std), where, out)
