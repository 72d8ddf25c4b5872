"""What a bank makes of the texts, codes, weights and names that are registered."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from t2l_fast.adapters.bank.store import rounded
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.kinds.base import Slots
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch, ArgumentError


class Intake:
    """Checks what is registered against the slots, and brings it into its stored form.

    Args:
        slab: the slots.
        sites: key → its sites.
        model: where they are, for what a file says about the base; None = unknown.
        exclude: modules of adapters to drop, as in `find_sites`.
    """

    def __init__(
        self,
        slab: Slots,
        sites: dict[str, list[Site]],
        model: nn.Module | None = None,
        exclude: Sequence[str] | str = (),
    ) -> None:
        self.slab, self.sites, self.model, self.exclude = slab, sites, model, exclude

    def encode(
        self,
        generator: AdapterGenerator | None,
        texts: Sequence[str] | None,
        codes: Tensor | None,
    ) -> Tensor | list[LoraWeights]:
        """Return codes as they are stored, or the adapters where those are smaller.

        Args:
            texts: task descriptions; None = `codes`.
            codes: `[N, *code_shape]`.

        Raises:
            AdapterMismatch: no generator, or one that can't fill the slots.
            ArgumentError: codes of another shape, or a single string as texts.
        """
        if generator is None:
            raise AdapterMismatch(
                "registering texts or codes needs a generator, got none: attach(…, generator=…)"
            )
        if isinstance(texts, str):
            raise ArgumentError("texts must be a list of descriptions, got a single str")
        self.slab.check_generator(generator.fingerprint)
        encoded = codes if texts is None else generator.encode(list(texts))
        assert encoded is not None
        if tuple(encoded.shape[1:]) != tuple(generator.code_shape):
            raise ArgumentError(
                f"codes must have shape [N, *code_shape]=(*, {tuple(generator.code_shape)}), "
                f"got {tuple(encoded.shape)}"
            )
        stored = rounded(encoded)
        if not self.slab.holds_weights or stored[:1].nbytes < self.slab.bytes_per_slot:
            return stored
        return [self.fit(w) for w in generator.generate(codes=widened(stored))]

    def fit(self, weights: LoraWeights) -> LoraWeights:
        """Return an adapter keyed as the sites, copied to RAM in the slots' dtype.

        Raises:
            AdapterMismatch: it doesn't fit the model, its rank is above the slots', or a number is
                not finite in their dtype.
        """
        self.slab.check_weights()
        if self.model is not None:
            weights = weights.for_model(self.model)
        fitted = weights.for_sites(self.sites, exclude=self.exclude)
        if fitted.config.rank > self.slab.rank_max:
            raise AdapterMismatch(
                f"slots hold rank ≤ {self.slab.rank_max}, got rank {fitted.config.rank}: attach "
                "with a larger rank_max"
            )
        lora_a, lora_b = (
            {m: t.detach().to("cpu", self.slab.dtype, copy=True) for m, t in part.items()}
            for part in (fitted.lora_a, fitted.lora_b)
        )
        magnitudes = fitted.magnitudes and {
            m: t.detach().to("cpu", copy=True) for m, t in fitted.magnitudes.items()
        }
        scales = torch.tensor([s for m in lora_a for s in fitted.scalings_of(m)])
        parts = (scales, *lora_a.values(), *lora_b.values(), *(magnitudes or {}).values())
        if not all(t.isfinite().all() for t in parts):
            raise AdapterMismatch(
                f"weights and scale must be finite in {self.slab.dtype}, got some that are not"
            )
        return replace(fitted, lora_a=lora_a, lora_b=lora_b, magnitudes=magnitudes)


def widened(codes: Tensor) -> Tensor:
    """Return stored codes as generators take them: fp32, integers as they are."""
    return codes.float() if codes.is_floating_point() else codes


def checked_names(
    names: Sequence[str] | None, count: int, taken: Container[object]
) -> Sequence[AdapterId | None]:
    """Return one name per adapter, None for a number.

    Raises:
        ArgumentError: not `count` different non-empty strings, or one of them is taken.
    """
    if names is None:
        return [None] * count
    used = [name for name in names if name in taken]
    if isinstance(names, str) or len(names) != count or len(set(names)) != count or used:
        raise ArgumentError(
            f"names must be {count} different new names, got {len(names)} "
            f"with {used[:3] or 'none'} taken"
        )
    if not all(isinstance(name, str) and name for name in names):
        raise ArgumentError("names must be non-empty strings, so that numbers stay the bank's")
    return list(names)
