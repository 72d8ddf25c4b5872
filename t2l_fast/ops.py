"""The operators, re-exported so that users see one namespace."""

from t2l_kernels import (
    basis_lora,
    fold_head,
    fold_latents,
    head,
    head_into_slots,
    lora_expand,
    lora_shrink,
    lowrank_l1,
    lowrank_l2,
    multi_lora,
    multi_lora_,
)

__all__ = [
    "basis_lora",
    "fold_head",
    "fold_latents",
    "head",
    "head_into_slots",
    "lora_expand",
    "lora_shrink",
    "lowrank_l1",
    "lowrank_l2",
    "multi_lora",
    "multi_lora_",
]
