"""Bring what is stored into slots: weights are copied, codes are generated in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch

from t2l_fast.adapters.bank.intake import widened
from t2l_fast.adapters.bank.mixture import AdapterKey
from t2l_fast.adapters.bank.store import StoredCode
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.kinds.base import Slots
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterMismatch

K = TypeVar("K", bound=AdapterKey)


def fill(
    slab: Slots,
    generator: AdapterGenerator | None,
    entries: Mapping[K, StoredCode | LoraWeights],
    sums: Mapping[K, LoraWeights],
    slots: list[int],
) -> None:
    """Put every entry into its slot; after an error the slots are empty.

    Args:
        slab: the slots.
        generator: of the codes among the entries, as `check_fingerprints` found it.
        entries: what is stored, by adapter.
        sums: mixtures in the slots' own form.
        slots: one per entry, then one per mixture.
    """
    try:
        place = dict(zip([*entries, *sums], slots, strict=True))
        coded = {i: e.code for i, e in entries.items() if isinstance(e, StoredCode)}
        for adapter, entry in entries.items():
            if isinstance(entry, LoraWeights):
                slab.write(entry, place[adapter])
        for mixture, weights in sums.items():
            slab.write_own(weights, place[mixture])
        if coded and generator is not None:
            # one by one: autocast can't stack fp16 on a CPU
            codes = torch.stack([widened(c) for c in coded.values()])
            slab.fill(generator, codes, torch.tensor([place[i] for i in coded]))
    except BaseException:
        slab.clear(torch.tensor(slots))
        raise


def check_fingerprints(
    slab: Slots,
    generator: AdapterGenerator | None,
    entries: Mapping[K, StoredCode | LoraWeights],
) -> None:
    """Check that codes belong to the generator as it is now.

    Raises:
        AdapterMismatch: a code belongs to another one, or this one can't fill the slots.
    """
    codes = {i: e for i, e in entries.items() if isinstance(e, StoredCode)}
    if not codes:
        return
    now = None if generator is None else generator.fingerprint
    slab.check_generator(now)
    for adapter, entry in codes.items():
        if entry.fingerprint != now:
            raise AdapterMismatch(
                f"the code of adapter {adapter!r} belongs to generator {entry.fingerprint}, "
                f"got {now}: register it again under this generator"
            )
