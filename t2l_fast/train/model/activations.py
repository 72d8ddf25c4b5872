"""Activation checkpointing of the frozen base model (Chen et al. 2016, "sublinear memory cost")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from t2l_fast.errors import UnsupportedModel


@contextmanager
def recomputed_activations(model: Any) -> Iterator[None]:
    """Let every layer store its input alone and run again in backward.

    transformers' own switch asks for training mode, in which layers may drop, and for gradients
    down to the embeddings.

    Raises:
        UnsupportedModel: the model has no layers that can.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    layers = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)]
    if not layers:
        raise UnsupportedModel(
            f"recompute_activations needs a model whose layers can run again, got "
            f"{type(model).__name__}: leave it False"
        )
    before = [layer.__dict__.get("forward") for layer in layers]
    for layer in layers:
        layer.forward = partial(_again, layer.forward)
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            del layer.forward
            if own is not None:
                layer.forward = own


def _again(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, **kwargs)
