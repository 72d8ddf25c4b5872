"""Which way an engine runs a model: the fastest one that proves itself right, or none."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import torch

from t2l_fast.adapters import Adapters
from t2l_fast.errors import T2LError, UnsupportedModel
from t2l_fast.serve.config import EngineConfig
from t2l_fast.serve.engine.loop import Handover, Loop, Owner
from t2l_fast.serve.engine.proof import (
    STEPS,
    RandomAdapter,
    Reference,
    Trial,
    ask,
    questions,
    worst,
)
from t2l_fast.serve.engine.rows import Way
from t2l_fast.serve.engine.rows_loop import RowsLoop
from t2l_fast.serve.engine.trace import first_line
from t2l_fast.serve.engine.transformers_loop import SlotManager

log = logging.getLogger("t2l_fast.serve")

TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 0.1}
"""Largest deviation (`proof.deviation`) of logits that differ by rounding alone."""
PAGED_TOLERANCE = TOLERANCE | {torch.float32: 2e-5}
"""The same for pages, which replace the model's attention.

What they leave out may change little, as a cap on attention's logits does.
"""
NOISIEST = 0.3
"""The tolerance grows up to this with what rounding does to the model's own logits."""
LENGTHS = (13, 7)
"""Of the two prompts; the first is longer where a window of attention is."""
WIDEST_WINDOW = 256
"""Windows up to this are passed by the longer prompt."""

Make = Callable[[Any, Adapters, EngineConfig, Owner], Loop]


def _paged(model: Any, adapters: Adapters, config: EngineConfig, owner: Owner) -> Loop:
    return SlotManager(model, adapters, config, owner=owner)


def _rows(way: Way) -> Make:
    def make(model: Any, adapters: Adapters, config: EngineConfig, owner: Owner) -> Loop:
        return RowsLoop(model, adapters, config, owner, way)

    return make


PATHS: dict[str, Make] = {"paged": _paged} | {way: _rows(way) for way in get_args(Way)}
"""Name → what makes the loop, the fastest first."""


@dataclass(frozen=True)
class Proof:
    """What an engine found out about a model before it took requests.

    Fields:
        path: the way it runs, a name of `PATHS`.
        deviation: largest one of its logits from the model's own.
        tolerance: that it had to keep.
        seconds: that finding out took.
        rejected: faster path → why it is not taken.
    """

    path: str
    deviation: float
    tolerance: float
    seconds: float
    rejected: dict[str, str]


def proven(
    model: Any, adapters: Adapters, config: EngineConfig, owner: Owner
) -> tuple[Loop, Proof]:
    """Start the fastest loop whose logits are the model's own, and hand it to its owner.

    A random adapter takes part; neither the bank nor the model holds it at any time. The state of
    random numbers is as before.

    Raises:
        UnsupportedModel: no path that `config.attention` allows is right, and why.
        EngineError: a loop does not turn.
        MemoryError, torch.OutOfMemoryError: there is no room for the cache.
    """
    began = time.perf_counter()
    name = type(model).__name__
    check_kind(model)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        prover = _Prover(model.eval(), adapters, config)
        rejected: dict[str, str] = {}
        for path in _allowed(config.attention):
            tried = prover.try_path(path, owner)
            if isinstance(tried, str):
                rejected[path] = tried
                continue
            loop, deviation = tried
            proof = Proof(path, deviation, prover.tolerance, time.perf_counter() - began, rejected)
            log.info("%s runs %s, proven in %.1f s%s", name, path, proof.seconds, _why(rejected))
            return loop, proof
        odd = prover.oddity()
    if odd is not None:
        raise UnsupportedModel(f"the engine serves causal language models, got {name}: {odd}")
    remedy = ', or allow slower ways with attention="auto"' if config.attention == "paged" else ""
    raise UnsupportedModel(
        f"the engine must give the model's own logits, got others for {name}{_why(rejected)}: "
        f"serve another model{remedy}"
    )


def _allowed(attention: str) -> list[str]:
    if attention == "paged":
        return ["paged"]
    return [path for path in PATHS if attention == "auto" or path != "paged"]


def _why(rejected: dict[str, str]) -> str:
    return "".join(f"; {path}: {reason}" for path, reason in rejected.items())


def check_kind(model: Any) -> None:
    """Refuse what is no causal language model of transformers.

    Raises:
        UnsupportedModel: it has an encoder, no head, or another interface.
    """
    name = type(model).__name__
    config = getattr(model, "config", None)
    if config is None or not hasattr(model, "get_input_embeddings"):
        raise UnsupportedModel(
            f"the engine serves causal language models of transformers, got {name}: load one with "
            "t2l_fast.load_model"
        )
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedModel(
            f"the engine serves causal language models, got {name}, an encoder with a decoder: use "
            "its generate() inside adapters.use(…)"
        )
    if model.get_output_embeddings() is None:
        raise UnsupportedModel(
            f"the engine serves causal language models, got {name}, which has no language-model "
            "head: load it with AutoModelForCausalLM"
        )


class _Prover:
    """Asks each path the same questions; the model's own logits are computed once."""

    def __init__(self, model: Any, adapters: Adapters, config: EngineConfig) -> None:
        self._model, self._config = model, config
        self._adapters, self._adapter = adapters, RandomAdapter(adapters)
        self._reference = Reference(model, self._adapter)
        self._lengths = _lengths(model, config)
        self._stages = questions(_plain_tokens(model), self._lengths)
        self.tolerance = TOLERANCE.get(model.dtype, TOLERANCE[torch.bfloat16])
        self._every = [question for wave in self._stages[0] for question in wave]
        try:
            for question in self._every:
                self._reference.of(question)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise _unsupported(model, error) from error

    def try_path(self, path: str, owner: Owner) -> tuple[Loop, float] | str:
        """Return a loop that is right, with its deviation, or why there is none."""
        trial = Trial(self._stages, self._adapter)
        handover = Handover(Trial([], self._adapter))
        try:
            loop = PATHS[path](self._model, self._adapters, self._config, handover)
        except (T2LError, MemoryError, torch.OutOfMemoryError):
            raise  # that says nothing of the model
        except Exception as error:
            return f"it can't be set up, got {first_line(error)}"
        loop.start()
        try:
            # pages take prompts in pieces; rows that are to share a forward must all fit it
            tokens = self._lengths[0] - 1 if path == "paged" else loop.step_tokens
            ask(loop, handover, trial, step_tokens=tokens)
            deviation = self._judged(trial, path)
        except BaseException:
            loop.close()
            raise
        if isinstance(deviation, str):
            loop.close()
            return deviation
        handover.now = owner
        return loop, deviation

    def oddity(self) -> str | None:
        """Return why no path can be right, where the model itself is the reason."""
        return self._reference.oddity(self._every[-1], self.tolerance)

    def _judged(self, trial: Trial, path: str) -> float | str:
        if trial.errors:
            return f"a step fails, got {trial.errors[0]}"
        known = PAGED_TOLERANCE if path == "paged" else TOLERANCE
        self.tolerance = known.get(self._model.dtype, TOLERANCE[torch.bfloat16])
        deviation = worst(trial, self._stages, self._reference)
        if self.tolerance < deviation <= NOISIEST:
            noise = max(self._reference.noise(question) for question in self._every)
            self.tolerance = max(self.tolerance, min(4 * noise, NOISIEST))
        if deviation <= self.tolerance:
            return deviation
        return (
            f"its logits differ from the model's own by {deviation:.1g} of their size, more than "
            f"{self.tolerance:.0e}"
        )


def _unsupported(model: Any, error: Exception) -> UnsupportedModel:
    return UnsupportedModel(
        f"the engine needs a model whose plain forward gives logits for token ids, got "
        f"{first_line(error)} of {type(model).__name__}: serve a causal language model whose sites "
        "all run"
    )


def _plain_tokens(model: Any) -> list[int]:
    """Token ids that mean nothing special to the model: no end, no padding, no image."""
    configs = [model.config, model.config.get_text_config()]
    special: set[int] = set()
    for config in configs:
        for key, value in config.to_dict().items():
            if key.endswith(("_token_id", "_token_index")):
                special |= {v for v in (value if isinstance(value, list) else [value]) if v}
    size = model.get_input_embeddings().num_embeddings
    # the ends of a vocabulary hold special tokens and rows that no text has
    inner = range(size // 8, size - size // 8)
    return [t for t in inner if t not in special] or list(range(size))


def _lengths(model: Any, config: EngineConfig) -> tuple[int, int]:
    text = model.config.get_text_config()
    long, short = LENGTHS
    for key in ("sliding_window", "attention_chunk_size", "window_size"):
        window = getattr(text, key, None)
        if isinstance(window, int) and long <= window <= WIDEST_WINDOW:
            long = window + 5
    room = min(positions(model), config.cache_tokens // 2) - STEPS - 1
    long = max(min(long, room), 2)
    return long, max(long // 2 + 1, 1) if long > 2 else 1


def positions(model: Any) -> int:
    """Return how many positions a model has, as far as its numbers depend on its own tokens alone.

    Rotary embeddings that change beyond a length ("longrope") change for all rows of a batch, as
    soon as one is longer: they end there.
    """
    config = model.config.get_text_config()
    known = [getattr(config, "max_position_embeddings", None)]
    rotary = getattr(config, "rope_parameters", None) or {}
    kinds = [rotary, *(v for v in rotary.values() if isinstance(v, dict))]
    for kind in kinds:
        if kind.get("rope_type") == "longrope":
            known.append(kind.get("original_max_position_embeddings"))
            known.append(getattr(config, "original_max_position_embeddings", None))
    return min((n for n in known if isinstance(n, int) and n > 0), default=2**31)
