"""SamplingParams, and the next token of every request of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import torch
from torch import Tensor

from t2l_fast.errors import ArgumentError

MAX_LOGPROBS = 20
MAX_STOPS = 16
MAX_STOP_CHARS = 256
COLDEST = 1e-6
"""Temperatures up to this are greedy: logits divided by them would overflow."""
LEAST = -9999.0
"""In place of logarithms that are not finite, which JSON can't hold."""


@dataclass(frozen=True)
class SamplingParams:
    """How one request is answered.

    Fields:
        max_tokens: tokens after which it ends.
        temperature: 0 = the likeliest token, always.
        top_p: the likeliest tokens that together reach this share; 1 = all.
        top_k: as many of the likeliest tokens; 0 = all.
        min_p: tokens at least this share of the likeliest's probability; 0 = all.
        seed: equal requests with equal seeds get equal draws, whatever runs beside them; None = a
            new one each time.
        stop: strings that end the answer, and are no part of it; names of special tokens too.
        stop_token_ids: tokens that end the answer, and are no part of its text.
        presence_penalty, frequency_penalty: taken off the logits of tokens that were generated
            already, once, and for each time.
        logprobs: log probabilities of the token chosen and of so many of the likeliest ones, before
            temperature and penalties; None = none.
        ignore_eos: go on after the end of sequence.

    Raises:
        ArgumentError: a value is out of range.
    """

    max_tokens: int = 16
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[int, ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logprobs: int | None = None
    ignore_eos: bool = False

    def __post_init__(self) -> None:
        bounds = {
            "max_tokens": (1, 2**31 - 1),
            "temperature": (0.0, 100.0),
            "top_p": (0.0, 1.0),
            "top_k": (0, 2**31 - 1),
            "min_p": (0.0, 1.0),
            "presence_penalty": (-2.0, 2.0),
            "frequency_penalty": (-2.0, 2.0),
            "logprobs": (0, MAX_LOGPROBS),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:  # NaN fails too
                raise ArgumentError(f"{name} must be {low} to {high}, got {value}")
        if self.top_p == 0.0:
            raise ArgumentError("top_p must be above 0, got 0: use temperature=0 for greedy")
        sizes = [0] if isinstance(self.stop, str) else [len(text) for text in self.stop]
        if len(sizes) > MAX_STOPS or not all(0 < size <= MAX_STOP_CHARS for size in sizes):
            raise ArgumentError(
                f"stop must be a tuple of up to {MAX_STOPS} strings of 1 to {MAX_STOP_CHARS} "
                f"characters, got {len(sizes)} of {min(sizes)} to {max(sizes)}"
            )
        if len(self.stop_token_ids) > MAX_STOPS or min(self.stop_token_ids, default=0) < 0:
            raise ArgumentError(
                f"stop_token_ids must be up to {MAX_STOPS} token ids, got "
                f"{len(self.stop_token_ids)} from {min(self.stop_token_ids)} on"
            )


@dataclass(frozen=True)
class TokenLogprob:
    """Natural logarithms of probabilities at one position.

    Fields:
        logprob: of the token chosen.
        top: (token, logprob) of the likeliest ones, best first.
    """

    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Draw:
    """What the next token of one request depends on, beside its logits.

    Fields:
        params: of the request, with a seed.
        generated: tokens so far.
    """

    params: SamplingParams
    generated: Sequence[int]


@torch.no_grad()
def choose(logits: Tensor, draws: Sequence[Draw]) -> tuple[Tensor, list[TokenLogprob | None]]:
    """Choose the next token of each request, `[n]` int64, from its row of `[n, vocab]` logits."""
    shaped = logits
    if any(d.params.presence_penalty or d.params.frequency_penalty for d in draws):
        shaped = logits.clone()
        for row, draw in zip(shaped, draws, strict=True):
            _penalise(row, draw)
    tokens = shaped.argmax(-1)
    for i, draw in enumerate(draws):
        if draw.params.temperature > COLDEST:
            tokens[i] = _sampled(shaped[i].float(), draw)
    wanted = [i for i, d in enumerate(draws) if d.params.logprobs is not None]
    logprobs: list[TokenLogprob | None] = [None] * len(draws)
    for i in wanted:
        logprobs[i] = _logprobs(logits[i].float(), int(tokens[i]), draws[i].params.logprobs or 0)
    return tokens, logprobs


def _penalise(row: Tensor, draw: Draw) -> None:
    counts = Counter(draw.generated)
    if counts:
        index = torch.tensor(list(counts), device=row.device)
        times = torch.tensor(list(counts.values()), device=row.device, dtype=row.dtype)
        row[index] -= draw.params.presence_penalty + draw.params.frequency_penalty * times


def _sampled(logits: Tensor, draw: Draw) -> Tensor:
    params = draw.params
    chances, order = (logits / params.temperature).softmax(-1).sort(descending=True)
    if params.top_k:
        chances, order = chances[: params.top_k], order[: params.top_k]
    # a token stays while those before it fall short of top_p; the likeliest always does
    keep = chances.cumsum(-1) - chances < params.top_p * chances.sum()
    keep &= chances >= params.min_p * chances[0]
    keep[0] = True
    cumulated = torch.where(keep, chances, 0.0).double().cumsum(-1)
    # from (seed, position) alone: neither company nor a resumed request changes what is drawn
    digest = sha256(f"{params.seed} {len(draw.generated)}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    point = torch.rand((), generator=generator, dtype=torch.float64).to(cumulated.device)
    index = torch.searchsorted(cumulated, point * cumulated[-1], right=True)
    return order[index.clamp(max=int(keep.nonzero().max()))]


def _logprobs(logits: Tensor, token: int, count: int) -> TokenLogprob:
    logs = logits.log_softmax(-1).nan_to_num(LEAST, LEAST, LEAST)
    best = logs.topk(min(count, logs.numel()))
    top = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return TokenLogprob(float(logs[token]), tuple(top))
