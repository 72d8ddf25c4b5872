"""The one `torch.library.Library` of the project: every operator is defined through `define`.

A second import of this module under another name would raise here instead of silently registering
every operator twice.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

LIBRARY = torch.library.Library("t2l_kernels", "DEF")


def define(schema: str, implementation: Callable, fake: Callable):
    """Register an operator for all devices and return its callable overload.

    `Library.define` costs about a fifth of `torch.library.custom_op` per call (7 against 30 us
    here); gradients come from `torch.autograd.Function`, so no autograd kernel is registered.
    Autocast is off inside: an operator's result has the dtype that it promises.
    """
    name = schema.split("(", 1)[0]
    LIBRARY.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
    LIBRARY.impl(name, _as_typed(implementation), "CompositeExplicitAutograd")
    torch.library.register_fake(f"t2l_kernels::{name}", fake, lib=LIBRARY)
    return getattr(torch.ops.t2l_kernels, name).default


def _as_typed(implementation: Callable) -> Callable:
    """The same without autocast."""

    @wraps(implementation)
    def run(*args: Any, **options: Any) -> Any:
        device = next(a.device.type for a in args if isinstance(a, Tensor))
        if not torch.is_autocast_enabled(device):
            return implementation(*args, **options)
        with torch.autocast(device, enabled=False):
            return implementation(*args, **options)

    return run
