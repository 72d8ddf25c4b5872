"""Bases: what all adapters of a generator share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Bases:
    """What all adapters of a generator share: A = core_a · a[m], B = core_b · b[m].

    Fields:
        a: key → `[1 | layers, h_a, in]`.
        b: key → `[1 | layers, h_b, out]`.
        fingerprint: of the generator; its cores fit no other bases.
    """

    a: dict[str, Tensor]
    b: dict[str, Tensor]
    fingerprint: str
