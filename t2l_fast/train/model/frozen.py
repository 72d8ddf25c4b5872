"""The base model while generators or adapters are trained through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import nn

from t2l_fast.adapters import Adapters, attach
from t2l_fast.config import LoraConfig
from t2l_fast.train.model.activations import recomputed_activations
from t2l_fast.train.model.packed_attention import packed_attention


@contextmanager
def frozen(
    model: nn.Module, lora: LoraConfig, *, packed: bool, recompute: bool = False
) -> Iterator[Adapters]:
    """Attach adapters to a model without gradients of its own; then restore it.

    Args:
        packed: rows lie end to end, which needs another attention.
        recompute: run each layer again in backward.

    Raises:
        SiteNotFound, UnsupportedModel: as for `attach`.
        UnsupportedModel: it has no layers that can run again, and they should.
    """
    adapters = attach(model, lora, num_slots=0)
    trained = [p for p in model.parameters() if p.requires_grad]
    try:
        model.requires_grad_(False)
        attention = packed_attention(model) if packed else nullcontext()
        activations = recomputed_activations(model) if recompute else nullcontext()
        with attention, activations:
            yield adapters
    finally:
        adapters.detach()
        for parameter in trained:
            parameter.requires_grad_(True)
