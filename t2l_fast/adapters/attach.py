"""attach: adapters on any model, by forward hooks; modules and state dict stay untouched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from t2l_fast.adapters.attached import Adapters
from t2l_fast.adapters.bank import AdapterBank, AdapterStore
from t2l_fast.adapters.dynamo import refuse_compiled
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.hook import SiteHook
from t2l_fast.adapters.materialise import make_slab
from t2l_fast.adapters.sites import compute_dtype, find_sites
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ArgumentError, UnsupportedModel


def attach(
    model: nn.Module,
    config: LoraConfig,
    *,
    num_slots: int,
    rank_max: int | None = None,
    generator: AdapterGenerator | None = None,
    dtype: torch.dtype | None = None,
    exclude: Sequence[str] | str = (),
    materialise: bool | Literal["auto"] = True,
    store: str | Path | None = None,
) -> Adapters:
    """Attach adapter slots to the linears that `config.target_modules` names.

    Args:
        model: a module tree, Hugging Face or not; attach before `torch.compile`.
        config: target modules, and rank, scale and dropout of what is generated or trained.
        num_slots: adapters the device holds at once; 0 = none, for training through
            `use(weights=…)`.
        rank_max: largest rank a slot takes; None = `config.rank`.
        generator: computes the adapters registered as texts or codes.
        dtype: of the slots; None = the model's compute dtype.
        exclude: modules to leave out, as in `find_sites`. Weights that an adapter has for them
            are dropped.
        materialise: True: slots hold A and B. False: they hold cores over the generator's bases
            (architecture S of Text-to-LoRA): a fraction of the memory, and no trained weights.
            "auto": what `t2l_kernels.basis.cost` finds faster for `num_slots` adapters with one
            token each. It is A and B on devices that the cost model does not know. The choice is
            fixed here, so that no result depends on what else is in a batch.
        store: a SQLite file that keeps what is registered: read now, written before `register`
            returns. None = RAM alone.

    Raises:
        SiteNotFound: a target module is not in the model.
        UnsupportedModel: a target can't carry adapters, or the model is compiled or attached
            already.
        ArgumentError: `num_slots` is negative, or `rank_max` below `config.rank`. Or `materialise`
            is False without slots or a generator whose adapters share bases. Or `store` is given
            without slots.
        StoreError: the file is damaged, of a newer version, or open in another process.
        AdapterMismatch: those bases don't fit the sites.
    """
    if num_slots < 0:
        raise ArgumentError(f"num_slots must be 0 or more, got {num_slots}")
    rank_max = config.rank if rank_max is None else rank_max
    if rank_max < config.rank:
        raise ArgumentError(f"rank_max must be at least rank={config.rank}, got {rank_max}")
    refuse_compiled(model)
    sites = find_sites(model, config.target_modules, exclude=exclude)
    for group in sites.values():
        devices = {next(site.module.parameters()).device for site in group}
        if len(devices) > 1:
            raise UnsupportedModel(
                f"all layers of {group[0].key} must be on one device, got "
                f"{sorted(map(str, devices))}: load the model without device_map"
            )
        for site in group:
            if any(isinstance(hook, SiteHook) for hook in site.module._forward_hooks.values()):
                raise UnsupportedModel(f"{site.path} is attached already: detach() first")
    slots = num_slots, rank_max, dtype or compute_dtype(model, sites)
    slab = make_slab(sites, generator, *slots, materialise)
    if slab is None and store is not None:
        raise ArgumentError(f"store={str(store)!r} needs slots, got num_slots=0: attach with more")
    bank = None
    if slab is not None:
        file = AdapterStore(store)
        bank = AdapterBank(slab, sites, generator, file, model=model, exclude=exclude)
    return Adapters(model, config, sites, bank)
