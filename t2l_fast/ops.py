"""The operators, re-exported so that users see one namespace."""

from t2l_kernels import lora_expand, lora_shrink, multi_lora, multi_lora_
from t2l_kernels.basis.api import basis_lora
from t2l_kernels.basis.folded import fold_head, fold_latents
from t2l_kernels.head.api import head, head_into_slots
from t2l_kernels.recon.api import lowrank_l1, lowrank_l2

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
