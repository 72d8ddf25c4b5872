"""Scores: log probabilities of a prompt's own tokens, by the model's plain forward."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

import torch

from t2l_fast.adapters import Adapters, Lease
from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.serve.engine.attention import own_attention
from t2l_fast.serve.engine.sampling import LEAST, TokenLogprob

PIECE = 256
"""Tokens of one forward pass: it bounds the logits that are held, and how long others wait."""


class Scorer:
    """Begins scores. It is made before an engine takes the model over.

    Args:
        model: a causal LM.
        adapters: attached to it.
    """

    def __init__(self, model: Any, adapters: Adapters) -> None:
        self._model, self._adapters = model, adapters
        self._attention = model.config._attn_implementation
        self._known = inspect.signature(model.forward).parameters

    @property
    def piece(self) -> int:
        """Tokens of one forward; all of a prompt where the model takes no keys and values."""
        return PIECE if "past_key_values" in self._known else sys.maxsize

    def begin(self, prompt: Sequence[int], adapter: AdapterKey | None, count: int) -> Score:
        """Lease an adapter for a score; only between two steps of the engine.

        Args:
            prompt: token ids.
            adapter: an id of the bank; None = the base model.
            count: likeliest tokens to name at each position.

        Raises:
            UnknownAdapter, AdapterMismatch: as `AdapterBank.lease`.
            BankFull: all slots are pinned.
        """
        return Score(self, list(prompt), self._adapters.bank.lease([adapter]), count)

    @torch.no_grad()
    def forward(self, ids: list[int], lease: Lease, past: Any, seen: int, *, more: bool) -> Any:
        """Run the model over the next tokens of one prompt.

        Args:
            past: keys and values of the `seen` tokens before them.
            more: whether further tokens follow.
        """
        device = self._model.get_input_embeddings().weight.device
        options = {
            "attention_mask": torch.ones(1, seen + len(ids), dtype=torch.int64, device=device),
            "past_key_values": past,
            "use_cache": more or past is not None,
        }
        known = {name: value for name, value in options.items() if name in self._known}
        with own_attention(self._model, self._attention), self._adapters.use(lease):
            return self._model(input_ids=torch.tensor([ids], device=device), **known)


class Score:
    """The log probabilities of one prompt, piece by piece.

    Fields:
        logprobs: of the tokens so far, one each; None for the first, which nothing precedes.
    """

    def __init__(self, scorer: Scorer, prompt: list[int], lease: Lease, count: int) -> None:
        self.logprobs: list[TokenLogprob | None] = [None]
        self._scorer, self._prompt, self._lease, self._count = scorer, prompt, lease, count
        self._past: Any = None
        self._seen = 0

    @property
    def done(self) -> bool:
        """Whether all tokens have one."""
        return len(self.logprobs) == len(self._prompt)

    def step(self) -> None:
        """Score the next piece; only between two steps of the engine."""
        begin, end = self._seen, min(self._seen + self._scorer.piece, len(self._prompt) - 1)
        more = end < len(self._prompt) - 1
        out = self._scorer.forward(
            self._prompt[begin:end], self._lease, self._past, begin, more=more
        )
        self._past = out.past_key_values if more else None
        self._seen = end
        logs = out.logits[0].float().log_softmax(-1).nan_to_num(LEAST, LEAST, LEAST)
        targets = torch.tensor(self._prompt[begin + 1 : end + 1], device=logs.device)
        own = logs.gather(1, targets[:, None])[:, 0].tolist()
        best = logs.topk(min(self._count, logs.shape[1]))
        for logprob, ids, values in zip(
            own, best.indices.tolist(), best.values.tolist(), strict=True
        ):
            top = tuple(zip(ids, values, strict=True))
            self.logprobs.append(TokenLogprob(logprob, top))

    def release(self) -> None:
        """Give the adapter's slot back; a second call does nothing."""
        self._past = None
        self._lease.release()
