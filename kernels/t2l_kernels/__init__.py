"""Multi-adapter LoRA operators: tensors in, tensors out. Needs torch; triton on a GPU."""

from t2l_kernels._core.checks import ArgumentError, T2LError
from t2l_kernels._core.impl import Impl, explain_impl, resolve_impl, triton_installed
from t2l_kernels._core.workspace import Workspace, WorkspaceError
from t2l_kernels.lora.api import lora_expand, lora_shrink, multi_lora, multi_lora_
from t2l_kernels.routing.route import BlockTable, Route

__all__ = [
    "ArgumentError",
    "BlockTable",
    "Impl",
    "Route",
    "T2LError",
    "Workspace",
    "WorkspaceError",
    "explain_impl",
    "lora_expand",
    "lora_shrink",
    "multi_lora",
    "multi_lora_",
    "resolve_impl",
    "triton_installed",
]
