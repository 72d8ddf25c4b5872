"""SlotCache: which adapter lies in which slot, and which slots are pinned."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from t2l_fast.adapters.bank.mixture import AdapterKey, Mixture
from t2l_fast.adapters.ids import AdapterId
from t2l_fast.errors import AdapterInUse, BankFull


class SlotCache:
    """An LRU cache of adapters over slots: the least recently leased goes first, pinned ones never.

    It moves no weights. Not thread-safe; the bank's lock serialises calls.

    Fields:
        pins: leases of each slot.
        free: slots without an adapter.
        generations: how often each slot was refilled.
    """

    def __init__(self, num_slots: int) -> None:
        self.free = list(range(num_slots))
        self.pins = [0] * num_slots
        self.generations = [0] * num_slots
        self._abandoned: set[int] = set()
        self._slot_of: OrderedDict[AdapterKey, int] = OrderedDict()  # least recently leased first

    def __contains__(self, adapter: object) -> bool:
        return adapter in self._slot_of

    def __getitem__(self, adapter: AdapterKey) -> int:
        return self._slot_of[adapter]

    def resident(self) -> dict[AdapterKey, int]:
        """Return a copy of adapter → slot, least recently leased first."""
        return dict(self._slot_of)

    def pin(self, adapters: Sequence[AdapterKey]) -> list[int]:
        """Pin the slots of resident adapters, mark them as leased last, and return them."""
        for adapter in adapters:
            self._slot_of.move_to_end(adapter)
            self.pins[self._slot_of[adapter]] += 1
        return [self._slot_of[adapter] for adapter in adapters]

    def unpin(self, slots: Sequence[int]) -> None:
        """Take `pin` back."""
        for slot in slots:
            self.pins[slot] -= 1
            if self._abandoned and slot in self._abandoned and not self.pins[slot]:
                self._abandoned.remove(slot)
                self.free.append(slot)

    def check_unpinned(self, adapter: AdapterKey) -> None:
        """Raise AdapterInUse if an adapter lies in a pinned slot."""
        slot = self._slot_of.get(adapter)
        if slot is not None and self.pins[slot]:
            raise AdapterInUse(
                f"adapter {adapter!r} is pinned by {self.pins[slot]} lease(s): release them first"
            )

    def evict(self, adapter: AdapterKey) -> None:
        """Free an adapter's slot, where it has one."""
        if adapter in self._slot_of:
            self.free.append(self._slot_of.pop(adapter))

    def abandon(self, adapter: AdapterKey) -> None:
        """Find an adapter no more; its slot is free at once, or when its last pin goes."""
        slot = self._slot_of.get(adapter)
        if slot is not None and self.pins[slot]:
            self._abandoned.add(self._slot_of.pop(adapter))
        else:
            self.evict(adapter)

    def mixtures_of(self, adapters: Sequence[AdapterId]) -> list[Mixture]:
        """Return the resident mixtures that hold one of these adapters."""
        wanted = set(adapters)
        mixtures = [key for key in self._slot_of if isinstance(key, Mixture)]
        return [m for m in mixtures if wanted.intersection(m.adapters)]

    def rename(self, adapter: AdapterKey, new: AdapterKey) -> None:
        """Let an adapter's slot, where it has one, hold it under another id; pins stay."""
        if adapter in self._slot_of:
            self._slot_of[new] = self._slot_of.pop(adapter)

    def room(self, count: int, keep: set[AdapterKey]) -> list[AdapterKey]:
        """Return the adapters that must leave for `count` new ones.

        Args:
            count: slots that are needed.
            keep: adapters that must stay.

        Raises:
            BankFull: pinned slots leave too few.
        """
        idle = [i for i, slot in self._slot_of.items() if not self.pins[slot] and i not in keep]
        short = count - len(self.free)
        if short > len(idle):
            raise BankFull(
                f"{count} adapters need a slot, got {len(self.free) + len(idle)} free of "
                f"{len(self.pins)}: release leases, lease fewer at once, or attach with a larger "
                "num_slots"
            )
        return idle[: max(short, 0)]

    def take(self, count: int, victims: Sequence[AdapterKey]) -> list[int]:
        """Evict `victims` and return `count` free slots, which stay free until `settle`."""
        for victim in victims:
            self.evict(victim)
        self.free.sort()
        slots = self.free[:count]
        for slot in slots:
            self.generations[slot] += 1
        return slots

    def settle(self, adapters: Sequence[AdapterKey], slots: Sequence[int]) -> None:
        """Note that `take`'s slots hold these adapters now."""
        del self.free[: len(slots)]
        self._slot_of.update(zip(adapters, slots, strict=True))

    def fits(self, ids: Sequence[AdapterKey | None], known: Callable[[AdapterKey], bool]) -> int:
        """Return how many of the leading ids could be pinned at once; unknown ones need no slot."""
        free = self.pins.count(0)
        seen: set[AdapterKey] = set()
        for position, adapter in enumerate(ids):
            if adapter is None or adapter in seen or not known(adapter):
                continue
            seen.add(adapter)
            slot = self._slot_of.get(adapter)
            if slot is None or not self.pins[slot]:
                if not free:
                    return position
                free -= 1
        return len(ids)
