"""Adapters: what is attached to one model, and which of them run now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from t2l_fast.adapters.active import ActiveUse, Activity
from t2l_fast.adapters.bank import AdapterBank, Lease
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.deferred import DeferredBatch
from t2l_fast.adapters.dynamo import reset_dynamo
from t2l_fast.adapters.hook import EmbeddingHook, RouteReset, ShowToDynamo, SiteHook
from t2l_fast.adapters.kinds.base import NoDelta
from t2l_fast.adapters.mixed import MixedBatch
from t2l_fast.adapters.sites import Site
from t2l_fast.config import LoraConfig
from t2l_fast.errors import AdapterMismatch, ArgumentError, SiteNotReached, UseError
from t2l_kernels import Workspace, check_slot_range


class Adapters:
    """The adapters attached to one model: the bank of slots, and which of them run now.

    Fields:
        config: as attached.
        sites: key → its sites, in layer order.
        slab: the slots' tensors, None for `num_slots=0`.
    """

    def __init__(
        self,
        model: nn.Module,
        config: LoraConfig,
        sites: dict[str, list[Site]],
        bank: AdapterBank | None,
    ) -> None:
        self.config = config
        self.sites = sites
        self.slab = None if bank is None else bank.slab
        self._activity = Activity()
        self._bank = bank
        self._lock = threading.Lock()
        every = [site for group in sites.values() for site in group]
        deltas = [NoDelta() if bank is None else bank.slab.delta(site) for site in every]
        self._hooks = [
            (EmbeddingHook if site.is_embedding else SiteHook)(
                self._activity, site, delta, config.dropout
            )
            for site, delta in zip(every, deltas, strict=True)
        ]
        modules = [site.module for site in every]
        names = {site.path.rpartition(".")[0] for site in every}
        parents = [model.get_submodule(name) for name in sorted(names) if name]
        reset = RouteReset(self._activity)
        self._handles = [model.register_forward_pre_hook(reset, with_kwargs=True)]
        self._handles += [
            p.register_forward_pre_hook(ShowToDynamo(self._activity)) for p in parents
        ]
        self._handles += [
            module.register_forward_hook(hook, with_kwargs=True)
            for module, hook in zip(modules, self._hooks, strict=True)
        ]
        reset_dynamo()

    @property
    def active(self) -> ActiveUse | None:
        """Return what `use` entered, None outside."""
        return self._activity.active

    @property
    def workspace(self) -> Workspace:
        """Return the scratch memory that all sites share."""
        return self._activity.workspace

    @property
    def bank(self) -> AdapterBank:
        """Return the bank over the slots.

        Raises:
            UseError: attached with `num_slots=0`.
        """
        if self._bank is None:
            raise UseError("there is no bank with num_slots=0: attach with num_slots ≥ 1")
        return self._bank

    @contextmanager
    def use(
        self,
        slots: Lease | Tensor,
        *,
        weights: LoraBatch | DeferredBatch | MixedBatch | None = None,
        repeat: int = 1,
    ) -> Iterator[Adapters]:
        """Run the model with these adapters inside the `with` block.

        With activation checkpointing the block must enclose backward. The block ends with an error
        if a site's forward never ran in it: an adapter is never silently absent.

        Args:
            slots: a lease; or integers `[B]` per sequence or `[B, T]` per token, −1 = base model.
            weights: adapters to run, and to train through, instead of the bank's; slots index them.
            repeat: decoder rows per slot, as `num_beams` or `num_return_sequences` make them.

        Raises:
            UseError: already entered (by this or another thread), or the lease was released.
            SiteNotReached: on leaving, for sites that were bypassed.
            ArgumentError: slots out of range or of a wrong shape or dtype.
            AdapterMismatch: `weights` don't fit the sites.
        """
        active = ActiveUse(
            self._checked_slots(slots, weights),
            self._checked_repeat(repeat),
            weights,
            None if self.slab is None else self.slab.num_slots,
        )
        with self._lock:
            if self.active is not None:
                raise UseError(
                    "use() is entered already, here or in another thread: leave it first"
                )
            for hook in self._hooks:
                hook.fired, hook.forwards = False, 0
            self._activity.active = active
        try:
            yield self
        finally:
            self._activity.active = None
        idle = [hook.site.path for hook in self._hooks if not hook.fired]
        if idle:
            raise SiteNotReached(
                f"use() ended, but {len(idle)} of {len(self._hooks)} sites never ran, such as "
                f"{idle[0]}: the model was not called, or it bypasses them (fused kernels, unused "
                "parts); attach with exclude= to leave them out"
            )

    def detach(self) -> None:
        """Remove every hook and close the store; the model is exactly as before.

        A second call does nothing.

        Raises:
            UseError: inside `use`.
        """
        if self.active is not None:
            raise UseError("detach() was called inside use(): leave it first")
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        if self._bank is not None:
            self._bank.close()
        reset_dynamo()

    def _checked_slots(
        self, slots: Lease | Tensor, weights: LoraBatch | DeferredBatch | MixedBatch | None
    ) -> Tensor:
        if not self._handles:
            raise UseError("these adapters are detached: attach again")
        if isinstance(slots, Lease):
            slots.check()
            if weights is not None or not slots.is_of(self.slab):
                raise UseError(
                    "a lease works with its own bank: pass slots as a tensor with weights="
                )
            return slots.slots
        if not isinstance(slots, Tensor) or slots.dim() not in (1, 2) or slots.is_floating_point():
            got = tuple(slots.shape) if isinstance(slots, Tensor) else type(slots).__name__
            raise ArgumentError(
                f"slots must be a Lease or an integer tensor [B] or [B, T], got {got}"
            )
        if weights is None:
            num_slots = self.bank.slab.num_slots
        else:
            self._check_batch(weights)
            num_slots = len(weights)
        if slots.device.type == "cpu" and slots.numel():
            check_slot_range([int(slots.min()), int(slots.max())], num_slots)
        device = next(next(iter(self.sites.values()))[0].module.parameters()).device
        return slots.to(device)

    def _check_batch(self, batch: LoraBatch | DeferredBatch | MixedBatch) -> None:
        for m, got in batch.module_shapes.items():
            group = self.sites.get(m)
            wanted = group and (len(group), group[0].in_features, group[0].out_features)
            if got != wanted:
                raise AdapterMismatch(
                    f"weights must have (layers, in, out)={wanted} for site key {m!r} "
                    f"(sites: {sorted(self.sites)}), got {got}"
                )

    @staticmethod
    def _checked_repeat(repeat: int) -> int:
        if repeat < 1:
            raise ArgumentError(f"repeat must be at least 1, got {repeat}")
        return repeat
