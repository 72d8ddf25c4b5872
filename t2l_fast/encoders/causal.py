"""A causal LM as text encoder: its last token's last hidden state, or the mean inside it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from t2l_fast.encoders.base import BATCH, MAX_TOKENS, prepare_all, refuse_long, scaled
from t2l_fast.encoders.health import check_buffers, check_embeddings
from t2l_fast.errors import EncoderError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class CausalEncoder:
    """A causal language model as `TextEncoder` (`emb_model=""` in Text-to-LoRA, 2506.06105).

    The model runs as it is given, so no adapters may be in use around `encode`.

    Args:
        model: in eval mode, on any device; nothing of it is changed.
        tokenizer: with a pad token, padding on either side.
        name: tells these weights from others, in caches and fingerprints.
        mean_after: None: the last token after the last block, scaled as in Text-to-LoRA. A number:
            the mean over tokens after so many blocks (0 = of the input embeddings). It is not
            scaled, since a few of its numbers are far larger than the rest. It is for generators
            with `standardise_codes`, and has more of the words themselves.

    Raises:
        EncoderError: there is no pad token, dropout is on, the model has fewer blocks, or it does
            not work.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str,
        mean_after: int | None = None,
    ) -> None:
        if tokenizer.pad_token_id is None:
            raise EncoderError(
                f"the tokenizer of the encoder {name!r} must have a pad token, got none: "
                "set tokenizer.pad_token = tokenizer.eos_token"
            )
        blocks = model.config.get_text_config().num_hidden_layers
        if mean_after is not None and not 0 <= mean_after < blocks:
            raise EncoderError(
                f"the encoder {name!r} has {blocks} blocks: mean_after must lie in "
                f"[0, {blocks - 1}], got {mean_after}"
            )
        self.name = name
        self._mean_after = mean_after
        self._model = model
        self._tokenizer = tokenizer
        reads = getattr(model.config.get_text_config(), "max_position_embeddings", MAX_TOKENS)
        self._limit = min(reads, tokenizer.model_max_length, MAX_TOKENS)
        self._accepts = inspect.signature(model.forward).parameters
        check_buffers(name, model)
        self.dim = check_embeddings(name, self._embed)

    @torch.inference_mode(False)
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Embed texts, as `TextEncoder.encode`."""
        texts = prepare_all(texts)
        if not texts:
            return torch.empty(0, self.dim)
        tokens = self._tokenizer(texts, truncation=False, verbose=False)["input_ids"]
        refuse_long(self.name, texts, [len(ids) for ids in tokens], self._limit)
        rows = self._embed(texts)
        return rows if self._mean_after is not None else scaled(rows)

    @torch.no_grad()
    def _embed(self, texts: list[str]) -> Tensor:
        if self._model.training:
            raise EncoderError(
                f"the encoder {self.name!r} must be in eval mode, got training mode with its "
                "dropout: call model.eval()"
            )
        return torch.cat([self._rows(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)])

    def _rows(self, texts: list[str]) -> Tensor:
        """The last hidden state at each row's last real token, or a mean, `[N, dim]`."""
        batch = self._tokenizer(texts, padding=True, truncation=False, return_tensors="pt")
        mask = batch["attention_mask"].to(self._model.device)  # [N, T]
        inputs: dict[str, Any] = {
            "input_ids": batch["input_ids"].to(self._model.device),
            "attention_mask": mask,
            "output_hidden_states": True,
            "use_cache": False,
            # left padding must not move a text's positions
            "position_ids": (mask.cumsum(-1) - 1).clamp(min=0),
            # logits are not used, and those of all tokens are large
            "logits_to_keep": 1,
        }
        optional = ("position_ids", "logits_to_keep")
        inputs = {k: v for k, v in inputs.items() if k not in optional or k in self._accepts}
        states = self._model(**inputs).hidden_states  # [N, T, dim] each
        if self._mean_after is not None:
            hidden = states[self._mean_after].float()
            weights = mask.to(hidden)[..., None]
            return ((hidden * weights).sum(1) / weights.sum(1)).to("cpu")
        hidden = states[-1]
        counted = torch.arange(mask.shape[1], device=mask.device)
        last = (mask * counted).argmax(-1)
        rows = torch.arange(len(texts), device=mask.device)
        return hidden[rows, last.to(hidden.device)].to("cpu", torch.float32)
