"""Leases: one pass for what is missing, LRU order, pins, and threads."""

import random
import threading

import pytest
from torch import nn

import t2l_fast as t2l
from t2l_fast.errors import (
    AdapterInUse,
    BankFull,
    UnknownAdapter,
    UseError,
)
from tests.adapters.bank.tiny import CONFIG, WIDTH, Tiny, make_bank, owner


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
                    seen = [owner(bank, slot) for slot in lease.slots.tolist()]
                    if seen != [float(i) for i in wanted]:
                        wrong.append((wanted, seen))
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
    assert sum(bank._slots.pins) == 0


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
    assert not any(bank._slots.pins)


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
