"""The base model while generators or adapters are trained through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import nn

from t2l_fast.adapters import Adapters, attach
from t2l_fast.config import LoraConfig
from t2l_fast.train.model.packed_attention import packed_attention


@contextmanager
def frozen(model: nn.Module, lora: LoraConfig, *, packed: bool) -> Iterator[Adapters]:
    """The model without gradients of its own, with adapters attached; then as it was.

    Args:
        packed: rows lie end to end, which needs another attention.

    Raises:
        SiteNotFound, UnsupportedModel: as for `attach`.
    """
    adapters = attach(model, lora, num_slots=0)
    trained = [p for p in model.parameters() if p.requires_grad]
    try:
        model.requires_grad_(False)
        with packed_attention(model) if packed else nullcontext():
            yield adapters
    finally:
        adapters.detach()
        for parameter in trained:
            parameter.requires_grad_(True)
