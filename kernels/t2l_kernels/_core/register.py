"""Operators of `torch.library`: one registration for all, with schemas read from signatures."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

# one per process: importing this module under a second name raises instead of registering twice
LIBRARY = torch.library.Library("t2l_kernels", "DEF")


def operator(
    name: str,
    *,
    fake: Callable[[SimpleNamespace], Any] = lambda call: None,
    mutates: Sequence[str] = (),
) -> Callable[[Callable], torch._ops.OpOverload]:
    """Register the decorated function as the operator `t2l_kernels::name`, for all devices.

    `torch.library.infer_schema` reads the schema from the annotations. Per call,
    `Library.define` costs about a fifth of `torch.library.custom_op`. Gradients come from
    `torch.autograd.Function`, so no autograd kernel is registered. Autocast is off inside, so that
    results have the dtype that the operator promises.

    Args:
        name: of the operator.
        fake: from the arguments, by name, to empty tensors of the result's shapes and dtypes.
        mutates: arguments that are written in place.

    Returns:
        A decorator that returns the operator's overload in place of the function.
    """

    def register(implementation: Callable) -> torch._ops.OpOverload:
        schema = torch.library.infer_schema(implementation, mutates_args=mutates, op_name=name)
        signature = inspect.signature(implementation)

        def shapes(*args: Any, **options: Any) -> Any:
            return fake(SimpleNamespace(**signature.bind(*args, **options).arguments))

        LIBRARY.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
        LIBRARY.impl(name, _without_autocast(implementation), "CompositeExplicitAutograd")
        torch.library.register_fake(f"t2l_kernels::{name}", shapes, lib=LIBRARY)
        return getattr(torch.ops.t2l_kernels, name).default

    return register


def _without_autocast(implementation: Callable) -> Callable:
    @wraps(implementation)
    def run(*args: Any, **options: Any) -> Any:
        device = next(a.device.type for a in args if isinstance(a, Tensor))
        if not torch.is_autocast_enabled(device):
            return implementation(*args, **options)
        with torch.autocast(device, enabled=False):
            return implementation(*args, **options)

    return run
