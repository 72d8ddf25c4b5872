"""AdapterBank: any number of registered adapters, leased a slot while they are needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TypeVar

import torch
from torch import Tensor, nn

from t2l_fast.adapters.bank.fill import check_fingerprints, fill
from t2l_fast.adapters.bank.intake import Intake, checked_names, widened
from t2l_fast.adapters.bank.lease import Lease
from t2l_fast.adapters.bank.mixing import Parts, mixed_code, summed, weighted_sum
from t2l_fast.adapters.bank.mixture import AdapterKey, AdapterRef, Mixture, adapters_of, key_of
from t2l_fast.adapters.bank.slot_cache import SlotCache
from t2l_fast.adapters.bank.store import AdapterStore, StoredCode
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.kinds.base import Slots
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import ArgumentError

K = TypeVar("K", bound=AdapterKey)


class AdapterBank:
    """Slots are a cache over the store: least recently leased goes first, pinned slots never.

    All methods are thread-safe and all-or-nothing: one that raises leaves every registration, pin
    and leased slot as it was. Cached adapters that it evicted are loaded again when needed.

    Fields:
        hits, misses: number of leased adapters found in a slot, and loaded into one.
    """

    def __init__(
        self,
        slab: Slots,
        sites: dict[str, list[Site]],
        generator: AdapterGenerator | None = None,
        store: AdapterStore | None = None,
        *,
        model: nn.Module | None = None,
        exclude: Sequence[str] | str = (),
    ) -> None:
        self.slab = slab
        self.generator = generator
        self._intake = Intake(slab, sites, model, exclude)
        self._lock = threading.RLock()
        self._store = AdapterStore() if store is None else store
        self._slots = SlotCache(slab.num_slots)
        self._pins = self._slots.pins
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._store)

    def __contains__(self, adapter: object) -> bool:
        if isinstance(adapter, Mapping):
            return bool(adapter) and all(i in self._store for i in adapter)
        if isinstance(adapter, Mixture):
            return all(i in self._store for i in adapter.adapters)
        return adapter in self._store

    def __iter__(self) -> Iterator[AdapterId]:
        with self._lock:
            return iter(list(self._store))

    @property
    def resident(self) -> dict[AdapterKey, int]:
        """Return adapter or mixture → slot now, least recently leased first."""
        with self._lock:
            return self._slots.resident()

    def register(
        self,
        *,
        texts: Sequence[str] | None = None,
        codes: Tensor | None = None,
        weights: Sequence[LoraWeights] | LoraBatch | None = None,
        names: Sequence[str] | None = None,
    ) -> list[AdapterId]:
        """Register adapters from exactly one of texts, codes or weights; needs no slot.

        Args:
            texts: task descriptions, for the generator to encode.
            codes: `[N, *code_shape]`, rounded to fp16 before they are ever used.
            weights: adapters keyed like the sites or with module paths; copied.
            names: ids to use instead of numbers, one each.

        Returns:
            One id per adapter.

        Raises:
            ArgumentError: not exactly one source, names missing, repeated or taken, or a wrong
                shape.
            AdapterMismatch: weights that don't fit the slots, or no generator for texts or codes.
        """
        sources = [source for source in (texts, codes, weights) if source is not None]
        if len(sources) != 1:
            raise ArgumentError(
                f"register takes exactly one of texts, codes or weights, got {len(sources)}"
            )
        with self._lock:
            entries = self._entries(texts, codes, weights)
            checked = checked_names(names, len(entries), self._store)
            if not isinstance(entries, Tensor):
                return self._store.add_weights(checked, entries)
            assert self.generator is not None
            return self._store.add_codes(checked, entries, self.generator.fingerprint)

    def replace(
        self,
        adapter: AdapterId,
        *,
        code: Tensor | None = None,
        weights: LoraWeights | None = None,
    ) -> AdapterId:
        """Put another adapter under an id, in the store's file too, while it may be leased.

        Leases that are out keep the old adapter's slot; later ones get the new one. So do mixtures
        that the adapter is part of.

        Args:
            code: `[*code_shape]` of this generator; or `weights`, as for `register`.

        Returns:
            The id under which the old adapter stays, in RAM alone, until it is forgotten.

        Raises:
            UnknownAdapter: the id is not registered.
            ArgumentError, AdapterMismatch, StoreError: as `register`; then all is as before.
        """
        if (code is None) == (weights is None):
            raise ArgumentError("replace takes either a code or weights: give one of them")
        with self._lock:
            self._store.check(adapter)
            codes = None if code is None else code[None]
            entries = self._entries(None, codes, None if weights is None else [weights])
            number = next(n for n in count() if f"{adapter}#{n}" not in self._store)
            aside = f"{adapter}#{number}"
            fingerprint = "" if self.generator is None else self.generator.fingerprint
            self._store.replace(adapter, entries[0], fingerprint, aside)
            self._slots.rename(adapter, aside)
            for mixture in self._slots.mixtures_of([adapter]):
                self._slots.rename(mixture, mixture.renamed(adapter, aside))
            return aside

    def lease(self, ids: Sequence[AdapterRef | None]) -> Lease:
        """Pin a slot for every adapter; what is missing is generated in one pass.

        Args:
            ids: one per row of the batch; None is the base model (slot −1), equal ids share a slot.
                A mapping adapter → weight is a mixture: the sum of their deltas, in its own slot.

        Raises:
            UnknownAdapter: an id is not registered.
            BankFull: more distinct adapters than slots that are not pinned.
            AdapterMismatch: a code belongs to another generator. Or a mixture's ranks add up to
                more than `rank_max`, one of its adapters is DoRA, or its sum is not finite.
            ArgumentError: a mixture of nothing, or a weight that is zero or not finite.
        """
        with self._lock:
            rows = [i if isinstance(i, (str, int)) or i is None else key_of(i) for i in ids]
            distinct = dict.fromkeys(rows)
            distinct.pop(None, None)
            wanted = [key for key in distinct if key is not None]
            entries = {i: self._entry(i) for i in wanted if i not in self._slots}
            if entries:
                self._bring_in(entries, keep=set(wanted))
            self.hits += len(wanted) - len(entries)
            self.misses += len(entries)
            pinned = self._slots.pin(wanted)
            places = [-1 if i is None else self._slots[i] for i in rows]
            slots = torch.tensor(places, dtype=torch.int32, device=self.slab.device)
            return Lease(
                slots,
                tuple(ids),
                owner=self.slab,
                lock=self._lock,
                unpin=lambda: self._slots.unpin(pinned),
                generations=lambda: tuple(self._slots.generations[s] for s in pinned),
            )

    def lease_each(self, ids: Sequence[AdapterRef | None]) -> list[Lease]:
        """Return a lease for every id, each released alone; generate what is missing in one pass.

        Raises:
            UnknownAdapter, BankFull, AdapterMismatch, ArgumentError: as `lease`; then nothing is
                leased.
        """
        with self._lock, self.lease(ids):
            counted = self.hits, self.misses
            try:
                return [self.lease([i]) for i in ids]
            finally:
                self.hits, self.misses = counted

    def generated(self, adapter: AdapterRef) -> bool:
        """Return whether an adapter, or all of a mixture, is stored as codes; wait for no lease.

        Raises:
            UnknownAdapter: it is not registered.
        """
        key = key_of(adapter)
        return all(map(self._store.holds_code, adapters_of(key)))

    def weights(self, adapter: AdapterRef) -> LoraWeights:
        """Return an adapter as weights with module paths, generated where it is stored as a code.

        Args:
            adapter: an id, or a mixture as `lease` takes it, of any rank.

        Raises:
            UnknownAdapter: it is not registered.
            AdapterMismatch: its code belongs to another generator, or a mixture holds DoRA.
            ArgumentError: a mixture as `lease` refuses it.
        """
        with self._lock:
            key = key_of(adapter)
            if isinstance(key, Mixture):
                return weighted_sum(key, {i: self.weights(i) for i in key.adapters})
            entry = self._stored(key)
            if isinstance(entry, StoredCode):
                check_fingerprints(self.slab, self.generator, {key: entry})
                assert self.generator is not None
                entry = self.generator.generate(codes=widened(entry.code)[None])[0]
            return entry.for_sites(self._intake.sites)

    def code(self, adapter: AdapterRef) -> Tensor:
        """Return a generated adapter's code, `[*code_shape]` as generators take it.

        Args:
            adapter: an id; or a mixture, whose code is Σ weight · code. The generator makes another
                adapter of it than the sum of deltas: register it under a name of its own.

        Raises:
            UnknownAdapter: it is not registered.
            AdapterMismatch: as `mixed_code`.
            ArgumentError: a mixture as `lease` refuses it.
        """
        with self._lock:
            key = key_of(adapter)
            parts = {i: self._store[i] for i in adapters_of(key)}
            check_fingerprints(self.slab, self.generator, parts)
            return mixed_code(key, parts)

    def fits(self, ids: Sequence[AdapterKey | None]) -> int:
        """Return how many of the leading ids one `lease` could take now; unknown ids fit."""
        with self._lock:
            return self._slots.fits(ids, self.__contains__)

    def evict(self, ids: Sequence[AdapterRef]) -> None:
        """Free the slots of adapters or mixtures; they stay registered.

        Raises:
            UnknownAdapter: an id is not registered.
            AdapterInUse: an adapter is leased.
        """
        with self._lock:
            for adapter in self._unpinned([key_of(i) for i in ids]):
                self._slots.evict(adapter)

    def forget(self, ids: Sequence[AdapterId]) -> None:
        """Remove adapters for good, and the slots of mixtures with them.

        A mixture that is leased keeps its slot until then.

        Raises:
            UnknownAdapter: an id is not registered.
            AdapterInUse: an adapter is leased.
        """
        with self._lock:
            wanted = self._unpinned(ids)
            self.evict(wanted)
            self._store.remove(wanted)
            for mixture in self._slots.mixtures_of(wanted):
                self._slots.abandon(mixture)

    def close(self) -> None:
        """Release the store's file, where there is one; leases and slots stay."""
        with self._lock:
            self._store.close()

    def _entries(
        self,
        texts: Sequence[str] | None,
        codes: Tensor | None,
        weights: Sequence[LoraWeights] | LoraBatch | None,
    ) -> Tensor | list[LoraWeights]:
        if weights is None:
            return self._intake.encode(self.generator, texts, codes)
        return [self._intake.fit(w) for w in weights]

    def _unpinned(self, ids: Sequence[K]) -> list[K]:
        wanted = list(dict.fromkeys(ids))
        for key in wanted:
            for adapter in adapters_of(key):
                self._store.check(adapter)
            self._slots.check_unpinned(key)
        return wanted

    def _entry(self, key: AdapterKey) -> StoredCode | LoraWeights | Parts:
        """Return what is stored, of each adapter of a mixture."""
        if isinstance(key, Mixture):
            return {i: self._stored(i) for i in key.adapters}
        return self._stored(key)

    def _stored(self, adapter: AdapterId) -> StoredCode | LoraWeights:
        """Return what is stored; a file's weights are fitted to this model."""
        entry = self._store[adapter]
        if isinstance(entry, StoredCode) or not self._store.durable:
            return entry
        return self._intake.fit(entry)

    def _bring_in(
        self,
        entries: dict[AdapterKey, StoredCode | LoraWeights | Parts],
        keep: set[AdapterKey],
    ) -> None:
        victims = self._slots.room(len(entries), keep)
        mixtures: dict[Mixture, Parts] = {}
        plain: dict[AdapterKey, StoredCode | LoraWeights] = {}
        for key, entry in entries.items():
            if isinstance(entry, Mapping):
                assert isinstance(key, Mixture)
                mixtures[key] = entry
            else:
                plain[key] = entry
        check_fingerprints(self.slab, self.generator, plain)
        sums = summed(self.slab, self.generator, mixtures) if mixtures else {}
        slots = self._slots.take(len(entries), victims)
        fill(self.slab, self.generator, plain, sums, slots)
        self._slots.settle([*plain, *sums], slots)
