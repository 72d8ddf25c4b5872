"""Answers by greedy decoding, many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from t2l_fast.tasks.prompt import Prompt
from t2l_fast.tasks.task import Example


@torch.no_grad()
def answer(
    model: Any,
    prompt: Prompt,
    sources: Sequence[str | Example],
    *,
    max_new_tokens: int,
    descriptions: Sequence[str | None] | None = None,
) -> list[str]:
    """Answer every input in one batch, with whatever adapters are in use.

    Args:
        sources: inputs, or examples with a system message or a prefill, one row each.
        max_new_tokens: tokens after which a row stops.
        descriptions: to put before the inputs, one per row; None = inputs alone.
    """
    shown = descriptions or [None] * len(sources)
    rows = [prompt.ids(source, text) for source, text in zip(sources, shown, strict=True)]
    width = max(map(len, rows))
    pad = prompt.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=model.device)
    lengths = torch.tensor([len(row) for row in rows], device=model.device)
    mask = torch.arange(width, device=model.device) >= width - lengths[:, None]
    out = model.generate(
        input_ids=ids,
        attention_mask=mask.long(),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=prompt.tokenizer.eos_token_id,
    )
    return [prompt.read(row) for row in out[:, width:].tolist()]
