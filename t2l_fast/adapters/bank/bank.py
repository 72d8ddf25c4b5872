"""AdapterBank: any number of registered adapters, leased a slot while they are needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from t2l_fast.adapters.bank.lease import Lease
from t2l_fast.adapters.bank.store import AdapterStore, StoredCode, rounded
from t2l_fast.adapters.batch import LoraBatch
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.adapters.kinds.base import Slots
from t2l_fast.adapters.sites import Site
from t2l_fast.adapters.weights import LoraWeights
from t2l_fast.errors import AdapterInUse, AdapterMismatch, ArgumentError, BankFull


class AdapterBank:
    """Slots are a cache over the store: least recently leased goes first, pinned slots never.

    All methods are thread-safe and all-or-nothing: one that raises leaves every registration, pin
    and leased slot as it was (cached adapters that were displaced are simply made again).

    Fields:
        hits, misses: adapters leased so far that had a slot, and that were brought into one.
    """

    def __init__(
        self,
        slab: Slots,
        sites: dict[str, list[Site]],
        generator: AdapterGenerator | None = None,
        store: AdapterStore | None = None,
    ) -> None:
        self.slab = slab
        self.generator = generator
        self._sites = sites
        self._lock = threading.RLock()
        self._store = AdapterStore() if store is None else store
        self._slot_of: OrderedDict[AdapterId, int] = OrderedDict()  # least recently leased first
        self._free = list(range(slab.num_slots))
        self._pins = [0] * slab.num_slots
        self._generations = [0] * slab.num_slots
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._store)

    def __contains__(self, adapter: object) -> bool:
        return adapter in self._store

    def __iter__(self) -> Iterator[AdapterId]:
        with self._lock:
            return iter(list(self._store))

    @property
    def resident(self) -> dict[AdapterId, int]:
        """Adapters that have a slot now, least recently leased first."""
        with self._lock:
            return dict(self._slot_of)

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
        given = [source for source in (texts, codes, weights) if source is not None]
        if len(given) != 1:
            raise ArgumentError(
                f"register takes exactly one of texts, codes or weights, got {len(given)}"
            )
        with self._lock:
            if weights is None:
                made = self._coded(texts, codes)
            else:
                made = [self._fitted(w) for w in weights]
            checked = self._checked_names(names, len(made))
            if not isinstance(made, Tensor):
                return self._store.add_weights(checked, made)
            assert self.generator is not None
            return self._store.add_codes(checked, made, self.generator.fingerprint)

    def lease(self, ids: Sequence[AdapterId | None]) -> Lease:
        """Pin a slot for every adapter and return them; what is missing is made in one pass.

        Args:
            ids: one per row of the batch; None is the base model (slot −1), equal ids share a slot.

        Raises:
            UnknownAdapter: an id is not registered.
            BankFull: more distinct adapters than slots that are not pinned.
            AdapterMismatch: a code belongs to another generator.
        """
        with self._lock:
            wanted = list(dict.fromkeys(i for i in ids if i is not None))
            entries = {i: self._entry(i) for i in wanted if i not in self._slot_of}
            if entries:
                self._bring_in(entries, keep=set(wanted))
            self.hits += len(wanted) - len(entries)
            self.misses += len(entries)
            for adapter in wanted:
                self._slot_of.move_to_end(adapter)
                self._pins[self._slot_of[adapter]] += 1
            pinned = [self._slot_of[i] for i in wanted]
            rows = [-1 if i is None else self._slot_of[i] for i in ids]
            slots = torch.tensor(rows, dtype=torch.int32, device=self.slab.device)
            return Lease(
                slots,
                tuple(ids),
                owner=self.slab,
                lock=self._lock,
                unpin=lambda: self._unpin(pinned),
                generations=lambda: tuple(self._generations[s] for s in pinned),
            )

    def lease_each(self, ids: Sequence[AdapterId | None]) -> list[Lease]:
        """A lease for every id, to be released one by one; all that is missing is made in one pass.

        Raises:
            As `lease`; then nothing is leased.
        """
        with self._lock, self.lease(ids):
            counted = self.hits, self.misses
            try:
                return [self.lease([i]) for i in ids]
            finally:
                self.hits, self.misses = counted

    def generated(self, adapter: AdapterId) -> bool:
        """Whether an adapter is kept as a code; never waits for a lease that is being filled.

        Raises:
            UnknownAdapter: it is not registered.
        """
        return self._store.holds_code(adapter)

    def weights(self, adapter: AdapterId) -> LoraWeights:
        """An adapter as weights with module paths, made from its code where it has one.

        Raises:
            UnknownAdapter: it is not registered.
            AdapterMismatch: its code belongs to another generator.
        """
        with self._lock:
            entry = self._entry(adapter)
            if isinstance(entry, StoredCode):
                self._check_fingerprints({adapter: entry})
                assert self.generator is not None
                wide = entry.code.float() if entry.code.is_floating_point() else entry.code
                entry = self.generator.generate(codes=wide[None])[0]
            return entry.for_sites(self._sites)

    def fits(self, ids: Sequence[AdapterId | None]) -> int:
        """How many of the leading ids one `lease` could take now; unknown ones count as fitting."""
        with self._lock:
            free = self._pins.count(0)
            seen: set[AdapterId] = set()
            for position, adapter in enumerate(ids):
                if adapter is None or adapter in seen or adapter not in self._store:
                    continue
                seen.add(adapter)
                slot = self._slot_of.get(adapter)
                if slot is None or not self._pins[slot]:
                    if not free:
                        return position
                    free -= 1
            return len(ids)

    def evict(self, ids: Sequence[AdapterId]) -> None:
        """Free the slots of adapters; they stay registered.

        Raises:
            UnknownAdapter: an id is not registered.
            AdapterInUse: an adapter is leased.
        """
        with self._lock:
            for adapter in self._unpinned(ids):
                if adapter in self._slot_of:
                    self._free.append(self._slot_of.pop(adapter))

    def forget(self, ids: Sequence[AdapterId]) -> None:
        """Remove adapters for good.

        Raises:
            UnknownAdapter: an id is not registered.
            AdapterInUse: an adapter is leased.
        """
        with self._lock:
            wanted = self._unpinned(ids)
            self.evict(wanted)
            self._store.remove(wanted)

    def close(self) -> None:
        """Release the store's file, where there is one; leases and slots stay."""
        with self._lock:
            self._store.close()

    def _unpin(self, slots: Sequence[int]) -> None:
        for slot in slots:
            self._pins[slot] -= 1

    def _unpinned(self, ids: Sequence[AdapterId]) -> list[AdapterId]:
        wanted = list(dict.fromkeys(ids))
        for adapter in wanted:
            self._store.check(adapter)
            slot = self._slot_of.get(adapter)
            if slot is not None and self._pins[slot]:
                raise AdapterInUse(
                    f"adapter {adapter!r} is pinned by {self._pins[slot]} lease(s): release them "
                    "first"
                )
        return wanted

    def _entry(self, adapter: AdapterId) -> StoredCode | LoraWeights:
        """What is stored; weights from a file are fitted to this model, which may be another."""
        entry = self._store[adapter]
        fits = isinstance(entry, StoredCode) or not self._store.durable
        return entry if fits else self._fitted(entry)

    def _bring_in(
        self, entries: dict[AdapterId, StoredCode | LoraWeights], keep: set[AdapterId]
    ) -> None:
        idle = [i for i, slot in self._slot_of.items() if not self._pins[slot] and i not in keep]
        short = len(entries) - len(self._free)
        if short > len(idle):
            raise BankFull(
                f"{len(entries)} adapters need a slot, got {len(self._free) + len(idle)} free of "
                f"{self.slab.num_slots}: release leases, lease fewer at once, or attach with a "
                "larger num_slots"
            )
        self._check_fingerprints(entries)
        for victim in idle[: max(short, 0)]:
            self._free.append(self._slot_of.pop(victim))
        self._free.sort()
        slots = self._free[: len(entries)]
        for slot in slots:
            self._generations[slot] += 1
        try:
            self._fill(dict(zip(entries, slots, strict=True)), entries)
        except BaseException:
            self.slab.clear(torch.tensor(slots))
            raise
        del self._free[: len(slots)]
        self._slot_of.update(zip(entries, slots, strict=True))

    def _fill(
        self, slots: dict[AdapterId, int], entries: dict[AdapterId, StoredCode | LoraWeights]
    ) -> None:
        coded = {i: e.code for i, e in entries.items() if isinstance(e, StoredCode)}
        for adapter, entry in entries.items():
            if isinstance(entry, LoraWeights):
                self.slab.write(entry, slots[adapter])
        if coded and self.generator is not None:
            # one by one: autocast can't stack fp16 on a CPU
            codes = torch.stack([c.float() if c.is_floating_point() else c for c in coded.values()])
            index = torch.tensor([slots[i] for i in coded])
            self.slab.fill(self.generator, codes, index)

    def _check_fingerprints(self, entries: dict[AdapterId, StoredCode | LoraWeights]) -> None:
        codes = {i: e for i, e in entries.items() if isinstance(e, StoredCode)}
        now = self.generator.fingerprint if codes and self.generator is not None else None
        if codes:
            self.slab.check_generator(now)
        for adapter, entry in codes.items():
            if entry.fingerprint != now:
                raise AdapterMismatch(
                    f"the code of adapter {adapter!r} belongs to generator {entry.fingerprint}, "
                    f"got {now}: register it again under this generator"
                )

    def _coded(
        self, texts: Sequence[str] | None, codes: Tensor | None
    ) -> Tensor | list[LoraWeights]:
        """Codes as they are stored, or the adapters where those are smaller."""
        generator = self.generator
        if generator is None:
            raise AdapterMismatch(
                "registering texts or codes needs a generator, got none: attach(…, generator=…)"
            )
        if isinstance(texts, str):
            raise ArgumentError("texts must be a list of descriptions, got a single str")
        self.slab.check_generator(generator.fingerprint)
        made = generator.encode(list(texts)) if texts is not None else codes
        assert made is not None
        if tuple(made.shape[1:]) != tuple(generator.code_shape):
            raise ArgumentError(
                f"codes must have shape [N, *code_shape]=(*, {tuple(generator.code_shape)}), "
                f"got {tuple(made.shape)}"
            )
        kept = rounded(made)
        if not self.slab.holds_weights or kept[:1].nbytes < self.slab.bytes_per_slot:
            return kept
        wide = kept.float() if kept.is_floating_point() else kept
        return [self._fitted(w) for w in generator.generate(codes=wide)]

    def _fitted(self, weights: LoraWeights) -> LoraWeights:
        self.slab.check_weights()
        fitted = weights.for_sites(self._sites)
        if fitted.config.rank > self.slab.rank_max:
            raise AdapterMismatch(
                f"slots hold rank ≤ {self.slab.rank_max}, got rank {fitted.config.rank}: attach "
                "with a larger rank_max"
            )
        copy = {
            part: {m: t.detach().to("cpu", self.slab.dtype, copy=True) for m, t in tensors.items()}
            for part, tensors in (("a", fitted.lora_a), ("b", fitted.lora_b))
        }
        scale = torch.tensor(fitted.config.scaling, dtype=torch.float32)
        if not all(t.isfinite().all() for t in (scale, *copy["a"].values(), *copy["b"].values())):
            raise AdapterMismatch(
                f"weights and scale must be finite in {self.slab.dtype}, got some that are not"
            )
        return LoraWeights(fitted.config, copy["a"], copy["b"], fitted.paths)

    def _checked_names(self, names: Sequence[str] | None, count: int) -> Sequence[AdapterId | None]:
        if names is None:
            return [None] * count
        taken = [name for name in names if name in self._store]
        plain = all(isinstance(name, str) and name for name in names)
        if isinstance(names, str) or len(names) != count or len(set(names)) != count or taken:
            raise ArgumentError(
                f"names must be {count} different new names, got {len(names)} "
                f"with {taken[:3] or 'none'} taken"
            )
        if not plain:
            raise ArgumentError("names must be non-empty strings, so that numbers stay the bank's")
        return list(names)
