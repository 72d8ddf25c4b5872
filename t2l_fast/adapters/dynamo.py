"""What torch.compile needs of attach: refuse compiled models, and drop code without hooks."""

from __future__ import annotations

import sys

import torch
from torch import nn

from t2l_fast.errors import UnsupportedModel


def refuse_compiled(model: nn.Module) -> None:
    """Raise UnsupportedModel for a model that is compiled, or has a compiled part."""
    compiled = any(
        getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")
        for module in model.modules()
    )
    if compiled:
        raise UnsupportedModel(
            "the model is compiled, and Dynamo silently skips hooks added afterwards: attach to "
            "the plain model first, then torch.compile it"
        )


def reset_dynamo() -> None:
    """Drop compiled code: it knows nothing of hooks added or removed since."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()
