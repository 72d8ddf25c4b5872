"""What a loop has to answer before it serves: requests whose logits the model's own forward gives.

Two prompts of different lengths, each under the base model and under a random adapter, run side by
side and alone. Their next tokens are given, so that near ties decide nothing.
"""

from __future__ import annotations

import inspect
import math
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from t2l_fast.adapters import Adapters
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.errors import EngineError
from t2l_fast.serve.engine.attention import own_attention
from t2l_fast.serve.engine.loop import Handover, Loop, Work
from t2l_fast.serve.engine.sampling import SamplingParams
from t2l_fast.serve.engine.trace import first_line

STEPS = 3
"""Tokens that each request of the proof generates: one of its prefill, the others of decoding."""
SECONDS = 600.0
"""For a proof to end."""


@dataclass(frozen=True)
class Question:
    """One request of the proof; a loop's `Work`.

    Fields:
        answer: the tokens that it is made to generate.
        adapted: whether it runs under the random adapter, not the base model.
    """

    key: str
    prompt: list[int]
    answer: list[int]
    adapted: bool
    eos: frozenset[int] = frozenset()

    @property
    def params(self) -> SamplingParams:
        """Greedy, as many tokens as the answer has."""
        return SamplingParams(max_tokens=len(self.answer), ignore_eos=True)


Stage = list[list[Question]]
"""Requests that run side by side; those of each list begin one step after those before them."""


def questions(tokens: Sequence[int], lengths: tuple[int, int]) -> list[Stage]:
    """Return the stages of a proof: all four side by side, then one of them alone.

    Args:
        tokens: ids to draw from.
        lengths: of the two prompts, the longer one first.
    """
    generator = torch.Generator().manual_seed(20)

    def drawn(count: int) -> list[int]:
        index = torch.randint(len(tokens), (count,), generator=generator)
        return [tokens[int(i)] for i in index]

    long, short = (drawn(n) for n in lengths)
    four = [
        Question(f"{name} {kind}", prompt, drawn(steps), kind == "adapted")
        for name, prompt, steps in (("long", long, STEPS), ("short", short, STEPS + 1))
        for kind in ("base", "adapted")
    ]
    long_base, long_adapted, short_base, short_adapted = four
    together = [[long_base, short_adapted], [long_adapted, short_base]]
    return [together, [[long_base]]]


class RandomAdapter:
    """Runs a model with a random adapter in slot 0, which neither bank nor model ever holds."""

    def __init__(self, adapters: Adapters) -> None:
        self._adapters = adapters
        batch = LoraBatch.init(adapters.config, adapters.sites, 1, seed=20)
        generator = torch.Generator().manual_seed(21)
        # a delta about a third as large as what it is added to, whatever rank and scale are
        strength = 0.5 / (adapters.config.scaling or 1.0) / math.sqrt(adapters.config.rank)
        for b in batch.lora_b.values():
            noise = torch.randn(b.shape, generator=generator) * strength
            b.data.copy_(noise)
        self._batch = batch.to(adapters.bank.slab.device)

    @contextmanager
    def use(self, slots: Tensor) -> Iterator[Any]:
        """Run as `Adapters.use`, with slot 0 alone."""
        with self._adapters.use(slots, weights=self._batch) as entered:
            yield entered


class Trial:
    """Asks a loop a proof's questions, stage after stage; a loop's `Owner`.

    Fields:
        logits: key → `[steps, vocab]` of each time that it was asked.
        errors: what went wrong, in words.
        done: set when nothing is left to ask.
    """

    def __init__(self, stages: Sequence[Stage], adapter: RandomAdapter) -> None:
        self.use = adapter.use
        self.logits: dict[str, list[list[Tensor]]] = {}
        self.errors: list[str] = []
        self.done = threading.Event()
        self._stages = deque([list(waves) for waves in stages])
        self._waves: Stage = []
        self._active: dict[str, Question] = {}

    def between_steps(self, loop: Loop) -> Sequence[Work]:
        """Implement `Owner.between_steps`."""
        if self.done.is_set():
            return []
        if not self._waves and not self._active:
            if not self._stages:
                self.done.set()
                return []
            self._waves = self._stages.popleft()
        begun = self._waves.pop(0) if self._waves else []
        for question in begun:
            self._active[question.key] = question
            self.logits.setdefault(question.key, []).append([])
        return begun

    def slot_of(self, key: str) -> int:
        """Implement `Owner.slot_of`."""
        return 0 if self._active[key].adapted else -1

    def choose(self, keys: Sequence[str], logits: Tensor) -> Tensor:
        """Implement `Owner.choose`: the answer's tokens, whatever the logits say."""
        chosen = []
        for key, row in zip(keys, logits, strict=True):
            seen = self.logits[key][-1]
            chosen.append(self._active[key].answer[len(seen)])
            seen.append(row.detach().to("cpu", torch.float64))
        return torch.tensor(chosen, device=logits.device)

    def deliver(self, key: str, generated: Sequence[int], *, finished: bool, loop: Loop) -> None:
        """Implement `Owner.deliver`."""
        if finished:
            self._active.pop(key, None)
            loop.wake()

    def step_failed(self, error: Exception) -> None:
        """Implement `Owner.step_failed`."""
        self.errors.append(first_line(error))

    def fail(self, key: str, reason: str) -> None:
        """Implement `Owner.fail`."""
        if not self.errors:
            self.errors.append(reason.strip().partition("\n")[0])
        self._active.pop(key, None)
        self.done.set()

    def lost(self, error: BaseException) -> None:
        """Implement `Owner.lost`."""
        self.errors.append(first_line(error))
        self.done.set()


class Reference:
    """The model's own logits for a proof's questions, by one plain forward each.

    Args:
        model: as it came, before a loop sets its attention.
        adapter: that takes part.
    """

    def __init__(self, model: Any, adapter: RandomAdapter) -> None:
        self._model, self._adapter = model, adapter
        self._attention = model.config._attn_implementation
        self._logits: dict[str, Tensor] = {}

    @torch.no_grad()
    def of(self, question: Question) -> Tensor:
        """Return `[steps, vocab]`, fp64.

        Raises:
            EngineError: they are not finite.
        """
        if question.key not in self._logits:
            ids = [*question.prompt, *question.answer[:-1]]
            rows = self.forward(ids, question.adapted)[len(question.prompt) - 1 :]
            if not rows.isfinite().all():
                raise EngineError("logits must be finite, got some that are not")
            self._logits[question.key] = rows
        return self._logits[question.key]

    @torch.no_grad()
    def forward(self, ids: list[int], adapted: bool, *, copies: int = 1) -> Tensor:
        """Return the logits of all positions, `[T, vocab]`, fp64, of the first of some copies."""
        device = self._model.get_input_embeddings().weight.device
        known = inspect.signature(self._model.forward).parameters
        options = {"use_cache": False} if "use_cache" in known else {}
        slots = torch.zeros(copies, dtype=torch.int32, device=device)
        attention = own_attention(self._model, self._attention)
        with attention, self._adapter.use(slots) if adapted else nullcontext():
            output = self._model(input_ids=torch.tensor([ids] * copies, device=device), **options)
        return output.logits[0].to("cpu", torch.float64)

    def noise(self, question: Question) -> float:
        """Return how far the logits are from themselves when rounding goes another way.

        Beside a copy of its row, a product is cut into other blocks. Experts that are chosen by
        near ties make that visible.
        """
        ids = [*question.prompt, *question.answer[:-1]]
        rows = self.forward(ids, question.adapted, copies=2)[len(question.prompt) - 1 :]
        return deviation(rows, self.of(question))

    def oddity(self, question: Question, tolerance: float) -> str | None:
        """Return why no loop can give these logits, where the model itself is the reason."""
        ids = [*question.prompt, *question.answer[:-1]]
        again = self.forward(ids, question.adapted)[len(question.prompt) - 1 :]
        if deviation(again, self.of(question)) > tolerance:
            return "its logits change from one forward to the next"
        prompt = self.forward(question.prompt, question.adapted)[-1:]
        if deviation(prompt, self.of(question)[:1]) > tolerance:
            return "its logits at a token depend on the tokens after it, so it is not causal"
        return None


def ask(loop: Loop, owner: Handover, trial: Trial, step_tokens: int) -> None:
    """Ask a running loop the questions of a trial, and leave it with nothing to do.

    Args:
        step_tokens: of a forward pass meanwhile; prompts that are longer come in pieces.

    Raises:
        EngineError: the questions take too long.
    """
    before, loop.step_tokens = loop.step_tokens, step_tokens
    owner.now = trial
    if loop.failure is not None:
        raise EngineError(f"the engine's loop ended, got {first_line(loop.failure)}: start it anew")
    loop.wake()
    if not trial.done.wait(SECONDS):
        raise EngineError(
            f"the engine must prove itself within {SECONDS:.0f} seconds, got no answer: see what "
            "else keeps the device busy"
        )
    loop.step_tokens = before


def deviation(got: Tensor, want: Tensor) -> float:
    """Return how far logits are from others: the norm of the difference beside the norm.

    Both are centred first, since a constant changes no probability.

    Args:
        got, want: `[steps, vocab]`; the worst step counts.
    """
    if got.shape != want.shape or not got.isfinite().all():
        return math.inf
    got, want = (t - t.mean(-1, keepdim=True) for t in (got, want))
    size = want.norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
    return float(((got - want).norm(dim=-1) / size).max())


def worst(trial: Trial, stages: Sequence[Stage], reference: Reference) -> float:
    """Return the largest deviation of any answer of a trial from the model's own logits."""
    largest = 0.0
    for question in {q.key: q for waves in stages for wave in waves for q in wave}.values():
        for rows in trial.logits.get(question.key, []):
            got = torch.stack(rows) if rows else torch.empty(0)
            largest = max(largest, deviation(got, reference.of(question)))
    return largest
