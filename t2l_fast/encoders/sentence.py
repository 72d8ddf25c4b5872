"""SentenceEncoder: a sentence-transformers model, pooled and prompted as its name asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from t2l_fast.encoders.base import BATCH, MAX_TOKENS, prepare_all, refuse_long, scaled
from t2l_fast.encoders.health import check_buffers, check_embeddings
from t2l_fast.errors import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SFR_PROMPT = "Instruct: Retrieve semantically similar text.\nQuery: "


class SentenceEncoder:
    """A sentence-transformers model as `TextEncoder`.

    As in Text-to-LoRA (2506.06105), names with "gte" pool the first token, and names with "SFR" the
    last one after an instruction; all others keep their own pooling and prompt.

    Args:
        model: put into eval mode; its pooling is changed as the name asks.
        name: of the encoder; of a path only the last part is looked at.

    Raises:
        EncoderError: the model has no pooling to change, or does not work (see `health`).
    """

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        self.name = name
        self._model = model.eval().requires_grad_(False)
        self._limit = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
        self._prompt = model.prompts.get(model.default_prompt_name or "", "")
        if is_gte(name):
            _pool(model, name, "cls")
            model.tokenizer.padding_side = "right"
        elif is_sfr(name):
            _pool(model, name, "lasttoken")
            self._prompt = SFR_PROMPT
        check_buffers(name, model)
        self.dim = check_embeddings(name, self._embed)

    @torch.inference_mode(False)
    def encode(self, texts: Sequence[str]) -> Tensor:
        """See `TextEncoder.encode`."""
        texts = prepare_all(texts)
        if not texts:
            return torch.empty(0, self.dim)
        whole = [self._prompt + text for text in texts]
        tokens = self._model.tokenizer(whole, truncation=False, verbose=False)["input_ids"]
        refuse_long(self.name, texts, [len(ids) for ids in tokens], self._limit)
        return scaled(self._embed(texts))

    @torch.no_grad()
    def _embed(self, texts: list[str]) -> Tensor:
        rows = self._model.encode(
            texts,
            prompt=self._prompt,
            batch_size=BATCH,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        # an inference tensor, which autograd would refuse to save
        return rows.clone().to("cpu", torch.float32)


def is_gte(name: str) -> bool:
    """Only the last part of a path counts."""
    return "gte" in Path(name).name.lower()


def is_sfr(name: str) -> bool:
    return "sfr" in Path(name).name.lower()


def _pool(model: SentenceTransformer, name: str, mode: str) -> None:
    pools = [module for module in model if hasattr(module, "pooling_mode")]
    if len(pools) != 1:
        raise EncoderError(
            f"the encoder {name!r} must have one pooling module, to be set to {mode!r}, got "
            f"{len(pools)}: rename its folder to keep its own pooling"
        )
    pools[0].pooling_mode = mode
