"""Any order of leases, replacements and removals: a leased mixture is what it was when leased."""

import random

import pytest

from t2l_fast.errors import AdapterInUse, BankFull
from tests.adapters.bank.test_mixtures import alone, in_slot
from tests.adapters.bank.tiny import Tiny, make_bank, weights

NAMES = [f"n{i}" for i in range(6)]
SLOTS = 4


class Orders:
    """A bank, what each name holds now, and the leases that are out with their values."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.bank = make_bank(SLOTS, generator=Tiny(), rank_max=6)
        self.values: dict[str, float] = {}
        self.asides: list[str] = []
        self.leases: list = []
        for name in NAMES:
            self.register(name)

    def fresh(self) -> tuple[float, dict]:
        value = float(self.chance.randint(1, 30))
        if self.chance.random() < 0.5:
            return value, {"weights": [weights(value)]}
        return value, {"codes": Tiny().encode([value])}

    def register(self, name: str) -> None:
        self.values[name], source = self.fresh()
        self.bank.register(**source, names=[name])

    def asked(self):
        known = sorted(self.values)
        if self.chance.random() < 0.4:
            return self.chance.choice(known)
        chosen = self.chance.sample(known[:3], self.chance.randint(1, 2))
        return dict(zip(chosen, (0.5, -1.0), strict=False))

    def value(self, asked) -> float:
        parts = {asked: 1.0} if isinstance(asked, str) else asked
        return sum(w * alone(self.values[name]) for name, w in parts.items())

    def lease(self) -> None:
        asked = [self.asked() for _ in range(self.chance.randint(1, 3))]
        try:
            lease = self.bank.lease(asked)
        except BankFull:
            return
        self.leases.append((lease, [self.value(a) for a in asked]))

    def release(self) -> None:
        if self.leases:
            self.leases.pop(self.chance.randrange(len(self.leases)))[0].release()

    def replace(self) -> None:
        name = self.chance.choice(sorted(self.values))
        value, source = self.fresh()
        new = {"code": source["codes"][0]} if "codes" in source else {"weights": weights(value)}
        self.asides.append(self.bank.replace(name, **new))
        self.values[name] = value

    def forget(self) -> None:
        names = [self.chance.choice([*sorted(self.values), *self.asides])]
        try:
            self.bank.forget(names)
        except AdapterInUse:
            return
        for name in names:
            if name in self.asides:
                self.asides.remove(name)
            else:
                del self.values[name]
                self.register(name)

    def check(self) -> None:
        for lease, values in self.leases:
            lease.check()
            got = [in_slot(self.bank, slot) for slot in lease.slots.tolist()]
            assert got == pytest.approx(values, abs=1e-2)
        slots = self.bank._slots
        held = [*self.bank.resident.values(), *slots.free, *slots._abandoned]
        assert sorted(held) == list(range(SLOTS))
        assert all(slots.pins[slot] for slot in slots._abandoned)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_keeps_leased_mixtures_and_renews_the_others(seed):
    orders = Orders(seed)
    acts = [orders.lease, orders.lease, orders.lease, orders.release, orders.release]
    acts += [orders.replace, orders.forget]
    for _ in range(120):
        orders.chance.choice(acts)()
        orders.check()
    for lease, _ in orders.leases:
        lease.release()
    assert not any(orders.bank._slots.pins)
    assert not orders.bank._slots._abandoned
