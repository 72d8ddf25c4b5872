"""Any order of calls: never a stale or foreign adapter; pins hold; failures change nothing."""

import random

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import t2l_fast as t2l
from t2l_fast.errors import (
    AdapterInUse,
    BankFull,
    UnknownAdapter,
    UseError,
)
from tests.adapters.bank.tiny import SLOTS, Tiny, make_bank, owner, weights

REGISTERED = 10_000


class BankMachine(RuleBasedStateMachine):
    """10,000 adapters over 8 slots; every slot not in use is poisoned after every step."""

    def __init__(self):
        super().__init__()
        self.generator = Tiny()
        self.bank = make_bank(generator=self.generator)
        codes = torch.arange(REGISTERED // 2).unsqueeze(1) % 2000
        ids = self.bank.register(codes=codes)
        self.values = dict(zip(ids, codes.squeeze(1).tolist(), strict=True))
        ids = self.bank.register(weights=[weights(-i) for i in range(REGISTERED // 2)])
        self.values |= {adapter: float(-i) for i, adapter in enumerate(ids)}
        self.ids = list(self.values)
        self.leases: list[t2l.Lease] = []
        self.fresh = 10**6

    def pick(self, seed: int, count: int) -> list:
        chooser = random.Random(seed)
        return [
            chooser.choice(self.ids[: 12 if chooser.random() < 0.7 else None]) for _ in range(count)
        ]

    def pinned(self) -> set:
        return {i for lease in self.leases for i in lease.ids if i is not None}

    def snapshot(self):
        bank = self.bank
        return (
            set(bank),
            tuple(bank._slots.pins),
            {i: s for i, s in bank.resident.items() if bank._slots.pins[s]},
        )

    @rule(seed=st.integers(0, 10**6), count=st.integers(0, 10), base=st.booleans())
    def lease(self, seed, count, base):
        wanted = self.pick(seed, count) + [None] * base
        room = SLOTS - len(self.pinned() - set(wanted))
        before, calls = self.snapshot(), len(self.generator.calls)
        if len(set(wanted) - {None}) > room:
            with pytest.raises(BankFull):
                self.bank.lease(wanted)
            assert self.snapshot() == before
            return
        lease = self.bank.lease(wanted)
        self.leases.append(lease)
        assert len(self.generator.calls) - calls <= 1
        for adapter, slot in zip(wanted, lease.slots.tolist(), strict=True):
            assert (slot == -1) == (adapter is None)

    @precondition(lambda self: self.leases)
    @rule(seed=st.integers(0, 100))
    def release(self, seed):
        lease = self.leases.pop(seed % len(self.leases))
        lease.release()
        lease.release()
        with pytest.raises(UseError):
            lease.check()

    @rule(seed=st.integers(0, 10**6))
    def generation_fails(self, seed):
        wanted = self.pick(seed, 3)
        before = self.snapshot()
        self.generator.failing = True
        try:
            self.leases.append(self.bank.lease(wanted))
        except (MemoryError, BankFull):
            assert self.snapshot() == before
        finally:
            self.generator.failing = False

    @rule(seed=st.integers(0, 10**6), forget=st.booleans())
    def evict_or_forget(self, seed, forget):
        wanted = self.pick(seed, 2)
        act = self.bank.forget if forget else self.bank.evict
        before = self.snapshot()
        if self.pinned() & set(wanted):
            with pytest.raises(AdapterInUse):
                act(wanted)
            assert self.snapshot() == before
            return
        act(wanted)
        assert not set(wanted) & self.bank.resident.keys()
        if forget:
            self.ids = [i for i in self.ids if i not in wanted]
            with pytest.raises(UnknownAdapter):
                self.bank.lease(wanted)

    @rule(named=st.booleans())
    def register(self, named):
        self.fresh += 1
        names = [f"name-{self.fresh}"] if named else None
        value = float(self.fresh % 2000)
        (adapter,) = self.bank.register(texts=[str(value)], names=names)
        self.values[adapter] = value
        self.ids.insert(0, adapter)

    @invariant()
    def leased_slots_hold_their_own_adapter(self):
        for lease in self.leases:
            lease.check()
            for adapter, slot in zip(lease.ids, lease.slots.tolist(), strict=True):
                if adapter is not None:
                    assert owner(self.bank, slot) == self.values[adapter]

    @invariant()
    def books_balance_and_idle_slots_are_poisoned(self):
        bank = self.bank
        used = bank.resident
        assert sorted([*used.values(), *bank._slots.free]) == list(range(SLOTS))
        counts = [0] * SLOTS
        for lease in self.leases:
            for adapter in {i for i in lease.ids if i is not None}:
                counts[used[adapter]] += 1
        assert counts == bank._slots.pins
        for slot in bank._slots.free:
            bank.slab.lora_a["proj"][:, slot] = torch.nan
            bank.slab.lora_b["proj"][:, slot] = torch.nan


TestBankMachine = pytest.mark.slow(BankMachine.TestCase)
TestBankMachine.settings = settings(
    max_examples=settings.default.max_examples // 2, stateful_step_count=40
)
