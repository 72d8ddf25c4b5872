"""Activation checkpointing of the frozen base model (Chen et al. 2016, "sublinear memory cost")."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from t2l_fast.errors import UnsupportedModel


@contextmanager
def recomputed_activations(model: Any) -> Iterator[None]:
    """Inside, every layer keeps its input alone and runs again in backward; then as before.

    Raises:
        UnsupportedModel: the model has no layers that can.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)]
    if not layers or not getattr(model, "supports_gradient_checkpointing", False):
        raise UnsupportedModel(
            f"recompute_activations needs a model whose layers can run again, got "
            f"{type(model).__name__}: leave it False"
        )
    modes = [layer.training for layer in layers]
    already = any(layer.gradient_checkpointing for layer in layers)
    # transformers renamed them in 5.x
    enable, disable = (
        getattr(model, f"activation_checkpointing_{what}", None)
        or getattr(model, f"gradient_checkpointing_{what}")
        for what in ("enable", "disable")
    )
    if not already:
        enable({"use_reentrant": False})
    for layer in layers:
        # transformers asks the layer for its mode; what is in it, dropouts too, keeps its own
        layer.training = True
    try:
        yield
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.training = mode
        if not already:
            disable()
