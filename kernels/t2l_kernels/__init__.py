"""Multi-adapter LoRA operators: tensors in, tensors out. Needs torch; triton on a GPU."""

from t2l_kernels._core.checks import ArgumentError, T2LError, check_slot_range
from t2l_kernels._core.impl import Impl, explain_impl, resolve_impl, triton_installed
from t2l_kernels._core.roofline import GPUS, Device
from t2l_kernels._core.workspace import Workspace, WorkspaceError, capturing
from t2l_kernels.basis.api import basis_lora
from t2l_kernels.basis.folded import fold_head, fold_latents
from t2l_kernels.heads.api import head, head_into_slots
from t2l_kernels.lora.api import lora_expand, lora_shrink, multi_lora, multi_lora_
from t2l_kernels.recon.api import lowrank_l1, lowrank_l2
from t2l_kernels.routing.route import BlockTable, Route

__all__ = [
    "GPUS",
    "ArgumentError",
    "BlockTable",
    "Device",
    "Impl",
    "Route",
    "T2LError",
    "Workspace",
    "WorkspaceError",
    "basis_lora",
    "capturing",
    "check_slot_range",
    "explain_impl",
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
    "resolve_impl",
    "triton_installed",
]
