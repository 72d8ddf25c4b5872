"""AdapterBank: never a stale or foreign adapter; pins hold; failures change nothing."""

import random
import threading

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from torch import nn

import t2l_fast as t2l
from t2l_fast.adapters.bank.store import StoredCode
from t2l_fast.errors import (
    AdapterInUse,
    AdapterMismatch,
    ArgumentError,
    BankFull,
    UnknownAdapter,
    UseError,
)

WIDTH, SLOTS, REGISTERED = 12, 8, 10_000
CONFIG = t2l.LoraConfig(["proj"], rank=2, alpha=4)


class Tiny(t2l.AdapterGenerator):
    """Writes the code's number into every weight, so that a slot tells whose it is."""

    kind, code_shape, fingerprint = "tiny", (1,), "tiny-1"

    def __init__(self):
        self.calls: list[int] = []
        self.failing = False

    def encode(self, conditions):
        return torch.tensor([[float(c)] for c in conditions])

    def forward(self, codes):
        a = codes.view(1, -1, 1, 1).expand(1, -1, 2, WIDTH)
        return t2l.LoraBatch(CONFIG, {"proj": a}, {"proj": a})

    @torch.no_grad()
    def generate(self, conditions=None, *, codes=None):
        codes = self.encode(conditions) if codes is None else codes
        self.calls.append(len(codes))
        return self.forward(codes)

    def generate_into(self, codes, slab, slots):
        if self.failing:
            slab.lora_a["proj"][:, slots[:1].long()] = torch.nan  # dies half-way through
            raise MemoryError("out of memory")
        super().generate_into(codes, slab, slots)


def make_bank(num_slots: int = SLOTS, generator=None, rank_max: int = 2) -> t2l.AdapterBank:
    model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
    return t2l.attach(
        model,
        CONFIG,
        num_slots=num_slots,
        rank_max=rank_max,
        generator=Tiny() if generator is None else generator,
    ).bank


def weights(value: float, rank: int = 2) -> t2l.LoraWeights:
    config = t2l.LoraConfig(["proj"], rank=rank, alpha=2.0 * rank)
    tensor = torch.full((1, rank, WIDTH), float(value))
    return t2l.LoraWeights(config, {"proj": tensor}, {"proj": tensor.clone()})


def owner(bank: t2l.AdapterBank, slot: int) -> float:
    """The number in the slot's live rows, which must agree everywhere."""
    rank = int(bank.slab.ranks["proj"][slot])
    rows = [t["proj"][:, slot, :rank] for t in (bank.slab.lora_a, bank.slab.lora_b)]
    values = torch.cat(rows).unique()
    assert len(values) == 1, values
    return values.item()


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
            tuple(bank._pins),
            {i: s for i, s in bank.resident.items() if bank._pins[s]},
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
        assert sorted([*used.values(), *bank._free]) == list(range(SLOTS))
        counts = [0] * SLOTS
        for lease in self.leases:
            for adapter in {i for i in lease.ids if i is not None}:
                counts[used[adapter]] += 1
        assert counts == bank._pins
        for slot in bank._free:
            bank.slab.lora_a["proj"][:, slot] = torch.nan
            bank.slab.lora_b["proj"][:, slot] = torch.nan


TestBankMachine = BankMachine.TestCase
TestBankMachine.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)


def test_all_missing_codes_are_generated_in_one_pass():
    generator = Tiny()
    bank = make_bank(generator=generator)
    ids = bank.register(texts=[str(i) for i in range(6)])
    assert generator.calls == []
    bank.lease(ids[:4]).release()
    bank.lease(ids)
    assert generator.calls == [4, 2]


def test_the_least_recently_leased_adapter_leaves_first():
    bank = make_bank(num_slots=2)
    a, b, c = bank.register(texts=["1", "2", "3"])
    for wanted in (a, b, a, c):
        bank.lease([wanted]).release()
    assert set(bank.resident) == {a, c}


def test_codes_are_rounded_before_their_first_use():
    bank = make_bank()
    (only,) = bank.register(codes=torch.tensor([[1.0 + 2**-20]]))
    lease = bank.lease([only])
    assert owner(bank, int(lease.slots[0])) == 1.0


def test_a_code_larger_than_its_weights_is_stored_as_weights():
    class Wide(Tiny):
        code_shape = (4096,)

        def forward(self, codes):
            return super().forward(codes[:, :1])

    bank = make_bank(generator=Wide())
    (wide,) = bank.register(codes=torch.full((1, 4096), 7.0))
    assert isinstance(bank._store[wide], t2l.LoraWeights)
    assert owner(bank, int(bank.lease([wide]).slots[0])) == 7.0
    small = make_bank()
    (only,) = small.register(codes=torch.ones(1, 1))
    assert isinstance(small._store[only], StoredCode)


def test_a_code_of_another_generator_is_refused():
    bank = make_bank()
    (only,) = bank.register(texts=["5"])
    assert isinstance(bank._store[only], StoredCode)
    bank.generator.fingerprint = "tiny-2"
    with pytest.raises(AdapterMismatch, match=r"tiny-1, got\s+tiny-2"):
        bank.lease([only])
    assert bank.resident == {}


def test_registered_weights_are_copies_and_mixed_ranks_fit():
    bank = make_bank(rank_max=4)
    mine = weights(3.0, rank=1)
    ids = bank.register(weights=[mine, weights(4.0, rank=4)])
    mine.lora_a["proj"].zero_()
    lease = bank.lease(ids)
    assert [owner(bank, s) for s in lease.slots.tolist()] == [3.0, 4.0]
    assert bank.slab.ranks["proj"][lease.slots.long()].tolist() == [1, 4]
    assert bank.slab.scalings["proj"][lease.slots.long()].tolist() == [2.0, 2.0]


REGISTER_ERRORS = {
    "nothing": ({}, ArgumentError, "exactly one"),
    "two sources": ({"texts": ["1"], "weights": [weights(1)]}, ArgumentError, "got 2"),
    "rank too large": ({"weights": [weights(1, rank=3)]}, AdapterMismatch, "rank ≤ 2, got rank 3"),
    "bare string": ({"texts": "a task"}, ArgumentError, "single str"),
    "code shape": ({"codes": torch.zeros(2, 3)}, ArgumentError, "codes must have shape"),
    "names missing": ({"texts": ["1", "2"], "names": ["a"]}, ArgumentError, "2 different new"),
    "names twice": ({"texts": ["1", "2"], "names": ["a", "a"]}, ArgumentError, "2 different new"),
    "name taken": ({"texts": ["1"], "names": ["taken"]}, ArgumentError, "taken"),
    "name no string": ({"texts": ["1"], "names": [3]}, ArgumentError, "non-empty strings"),
    "wrong width": (
        {
            "weights": [
                weights(1),
                t2l.LoraWeights(
                    CONFIG, {"proj": torch.zeros(1, 2, 5)}, {"proj": torch.zeros(1, 2, WIDTH)}
                ),
            ]
        },
        AdapterMismatch,
        r"\(layers, in, out\)=\(1, 12, 12\)",
    ),
}


@pytest.mark.parametrize("case", REGISTER_ERRORS)
def test_a_failed_register_registers_nothing(case):
    options, kind, message = REGISTER_ERRORS[case]
    bank = make_bank()
    bank.register(texts=["1"], names=["taken"])
    with pytest.raises(kind, match=message):
        bank.register(**options)
    assert list(bank) == ["taken"]


def test_without_a_generator_texts_are_refused():
    model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
    bank = t2l.attach(model, CONFIG, num_slots=1).bank
    with pytest.raises(AdapterMismatch, match="needs a generator"):
        bank.register(texts=["1"])


@pytest.mark.parametrize("call", ["lease", "evict", "forget"])
def test_unknown_ids_are_named(call):
    bank = make_bank()
    with pytest.raises(UnknownAdapter, match="'nobody'"):
        getattr(bank, call)(["nobody"])


def test_a_lease_of_another_model_is_refused():
    model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
    adapters = t2l.attach(model, CONFIG, num_slots=1)
    with pytest.raises(UseError, match="own bank"), adapters.use(make_bank().lease([])):
        pass
    lease = adapters.bank.lease([])
    lease.release()
    with pytest.raises(UseError, match="released"), adapters.use(lease):
        pass


def test_threads_never_see_a_foreign_adapter():
    bank = make_bank()
    ids = bank.register(texts=[str(i) for i in range(200)])
    wrong, full = [], []

    def serve(seed: int) -> None:
        chooser = random.Random(seed)
        for _ in range(150):
            wanted = chooser.sample(ids, 3)
            try:
                with bank.lease(wanted) as lease:
                    found = [owner(bank, slot) for slot in lease.slots.tolist()]
                    if found != [float(i) for i in wanted]:
                        wrong.append((wanted, found))
            except BankFull as error:
                full.append(error)
            except AssertionError as error:
                wrong.append(error)

    threads = [threading.Thread(target=serve, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(bank._pins) == 0


def test_a_lease_for_each_pins_one_by_one_and_fills_in_one_pass():
    bank = make_bank(num_slots=3)
    ids = bank.register(texts=["1", "2", "3"])
    leases = bank.lease_each([ids[0], None, ids[1], ids[0]])
    assert bank.generator.calls == [2]
    assert [int(lease.slots) for lease in leases] == [0, -1, 1, 0]
    assert (bank.hits, bank.misses) == (0, 2)
    leases[0].release()
    with pytest.raises(AdapterInUse):
        bank.evict([ids[0]])  # the fourth row still runs it
    leases[3].release()
    bank.evict([ids[0]])
    with pytest.raises(AdapterInUse):
        bank.evict([ids[1]])


def test_a_lease_for_each_that_fails_leases_nothing():
    bank = make_bank(num_slots=2)
    ids = bank.register(texts=["1", "2", "3"])
    with pytest.raises(BankFull):
        bank.lease_each(ids)
    with pytest.raises(UnknownAdapter):
        bank.lease_each([ids[0], "nobody"])
    assert not any(bank._pins)


@pytest.mark.parametrize("seed", range(20))
def test_fits_tells_what_a_lease_takes(seed):
    chance = random.Random(seed)
    bank = make_bank(num_slots=4)
    ids = bank.register(texts=[str(i) for i in range(8)])
    held = [bank.lease([i]) for i in chance.sample(ids, 2)]
    bank.lease(chance.sample(ids, 2)).release()
    asked = [chance.choice([*ids, None, "unknown"]) for _ in range(8)]
    fits = bank.fits(asked)
    known = [i for i in asked if i != "unknown"]
    taken = [i for i in asked[:fits] if i != "unknown"]
    bank.lease(taken).release()
    if fits < len(asked):
        with pytest.raises(BankFull):
            bank.lease([*taken, asked[fits]])
    else:
        bank.lease(known).release()
    for lease in held:
        lease.release()


def test_adapters_as_weights_whatever_they_are_kept_as():
    bank = make_bank(rank_max=4)
    (coded,) = bank.register(texts=["3"])
    (trained,) = bank.register(weights=[weights(5.0, rank=4)])
    assert [bank.generated(coded), bank.generated(trained)] == [True, False]
    made, kept = bank.weights(coded), bank.weights(trained)
    assert made.config.rank == 2 and float(made.lora_a["proj"][0, 0, 0]) == 3.0
    assert kept.config.rank == 4 and float(kept.lora_b["proj"][0, 3, 1]) == 5.0
    assert made.paths == kept.paths == {"proj": ("proj",)}
    bank.generator.fingerprint = "tiny-2"
    with pytest.raises(AdapterMismatch, match="belongs to generator"):
        bank.weights(coded)
    for ask in (bank.weights, bank.generated):
        with pytest.raises(UnknownAdapter):
            ask("nobody")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e39])
def test_weights_that_are_not_finite_in_the_slots_are_refused(value):
    bank = make_bank()
    bad = weights(1.0)
    wide = {"proj": bad.lora_a["proj"].double()}
    bad = t2l.LoraWeights(bad.config, wide, {"proj": wide["proj"] * value})
    with pytest.raises(AdapterMismatch, match="must be finite"):
        bank.register(weights=[bad])
    assert len(bank) == 0
