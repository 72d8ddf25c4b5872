"""Scores: log probabilities of a prompt's own tokens, by the model's plain forward."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import Adapters, Lease
from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.serve.engine.attention import own_attention
from t2l_fast.serve.engine.rows import state_name
from t2l_fast.serve.engine.sampling import LEAST, TokenLogprob

PIECE = 256
"""Tokens of one forward pass: it bounds the logits that are held, and how long others wait."""


class Scorer:
    """Begins scores.

    Args:
        model: a causal LM.
        adapters: attached to it.
        attention: the one that the model came with.
        pieces: whether long prompts are scored piece by piece. That is right where layers keep
            keys and values alone. Recurrent ones may drop their state when several tokens follow.

    Fields:
        piece: tokens of one forward.
    """

    def __init__(self, model: Any, adapters: Adapters, attention: str, *, pieces: bool) -> None:
        self._model, self._adapters, self._attention = model, adapters, attention
        self._known = inspect.signature(model.forward).parameters
        self._state = state_name(model) or ""
        self.piece = PIECE if pieces else sys.maxsize

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
    def forward(
        self, ids: list[int], lease: Lease, past: Any, seen: int, *, more: bool
    ) -> tuple[Tensor, Any]:
        """Run the model over the next tokens of one prompt.

        Args:
            past: keys and values of the `seen` tokens before them.
            more: whether further tokens follow.

        Returns:
            Logits `[T, vocab]`, and keys and values of all tokens so far where more follow.
        """
        device = self._model.get_input_embeddings().weight.device
        options = {
            "attention_mask": torch.ones(1, seen + len(ids), dtype=torch.int64, device=device),
            self._state: past,
            "use_cache": more or past is not None,
        }
        known = {name: value for name, value in options.items() if name in self._known}
        with own_attention(self._model, self._attention), self._adapters.use(lease):
            output = self._model(input_ids=torch.tensor([ids], device=device), **known)
        return output.logits[0], getattr(output, self._state) if more else None


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
        logits, self._past = self._scorer.forward(
            self._prompt[begin:end], self._lease, self._past, begin, more=more
        )
        self._seen = end
        logs = logits.float().log_softmax(-1).nan_to_num(LEAST, LEAST, LEAST)
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
