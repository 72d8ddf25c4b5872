"""Mixture: several adapters with weights, as one key of the slots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from t2l_fast.adapters.ids import AdapterId
from t2l_fast.errors import ArgumentError, UnknownAdapter


@dataclass(frozen=True, repr=False)
class Mixture:
    """Σ weight · delta of registered adapters; equal ones are equal in any order.

    Fields:
        parts: (adapter, weight), sorted by adapter; no weight is zero. A negative weight takes an
            adapter's delta away (task arithmetic, Ilharco et al. 2023).
    """

    parts: tuple[tuple[AdapterId, float], ...]

    def __repr__(self) -> str:
        return repr(dict(self.parts))

    @property
    def adapters(self) -> tuple[AdapterId, ...]:
        """Return whose sum it is."""
        return tuple(adapter for adapter, _ in self.parts)

    def renamed(self, adapter: AdapterId, new: AdapterId) -> Mixture:
        """Return the same mixture with another id for one of its adapters."""
        return Mixture(_sorted({new if i == adapter else i: w for i, w in self.parts}))


AdapterKey = AdapterId | Mixture
"""What a slot holds."""

AdapterRef = AdapterKey | Mapping[Any, float]
"""What `AdapterBank.lease` takes for a row: an id, or adapter → weight."""


def adapters_of(key: AdapterKey | None) -> tuple[AdapterId, ...]:
    """Return the registered adapters behind a key, none for the base model."""
    if isinstance(key, Mixture):
        return key.adapters
    return () if key is None else (key,)


def renamed(key: AdapterKey, adapter: AdapterId, new: AdapterId) -> AdapterKey:
    """Return a key with another id for one of its adapters."""
    if isinstance(key, Mixture):
        return key.renamed(adapter, new)
    return new if key == adapter else key


def key_of(source: AdapterRef) -> AdapterKey:
    """Return the key of what was asked for; one adapter of weight 1 is that adapter.

    Raises:
        UnknownAdapter: what can't be an id or a mixture.
        ArgumentError: a mixture of nothing, of what can't be an id, or of weights that are not
            finite or are zero.
    """
    if isinstance(source, (int, str, Mixture)):
        return source
    if not isinstance(source, Mapping):
        raise UnknownAdapter(
            "an adapter must be an id that register gave, or a mapping from ids to weights, got a "
            f"{type(source).__name__}: name one of them"
        )
    if not source:
        raise ArgumentError("a mixture needs at least one adapter, got none: use None for the base")
    weights: dict[AdapterId, float] = {}
    for adapter, weight in source.items():
        if not isinstance(adapter, (int, str)):
            raise ArgumentError(
                f"a mixture's adapters must be ids that register gave, got a "
                f"{type(adapter).__name__}: leave it out"
            )
        real = isinstance(weight, Real) and not isinstance(weight, bool)
        if not real or not math.isfinite(weight) or float(weight) == 0:
            got = repr(float(weight)) if real else f"a {type(weight).__name__}"
            raise ArgumentError(
                f"a mixture's weight must be a finite number other than 0, got {got} for "
                f"{adapter!r}: leave the adapter out, or give it a weight"
            )
        weights[adapter] = float(weight)
    parts = _sorted(weights)
    return parts[0][0] if len(parts) == 1 and parts[0][1] == 1 else Mixture(parts)


def _sorted(weights: Mapping[AdapterId, float]) -> tuple[tuple[AdapterId, float], ...]:
    return tuple(sorted(weights.items(), key=lambda part: (isinstance(part[0], str), part[0])))
