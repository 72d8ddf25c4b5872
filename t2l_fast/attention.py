"""Which models mix positions by attention alone, so that rows may lie end to end in one batch."""

from __future__ import annotations

from typing import Any

from torch import nn

MODELS = ("llama", "mistral", "qwen2", "qwen3")
"""Model types whose only operation across positions is attention; tested."""


def packable(model: nn.Module) -> bool:
    """Return whether rows of this model may lie end to end.

    The model must be of a known type and have no sliding windows.
    """
    config: Any = getattr(model, "config", None)
    known = getattr(config, "model_type", None) in MODELS
    layers = getattr(config, "layer_types", None) or ()
    windows = "sliding_attention" in layers or (
        not layers and getattr(config, "sliding_window", None) is not None
    )
    return known and not windows


def flash(model: nn.Module) -> bool:
    """Return whether FlashAttention is on, which takes rows of any lengths in one call."""
    chosen = getattr(getattr(model, "config", None), "_attn_implementation", None)
    return (chosen or "").startswith("flash_attention")
