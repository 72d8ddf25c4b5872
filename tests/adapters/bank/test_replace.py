"""Replacing an adapter under its id, while it is leased and when it is not."""

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.errors import AdapterInUse, AdapterMismatch, ArgumentError, UnknownAdapter
from tests.adapters.bank.tiny import CONFIG, SLOTS, WIDTH, Tiny, make_bank, owner, weights

NEW = {"code": {"code": torch.tensor([5.0])}, "weights": {"weights": weights(5.0)}}


def filled(old: str) -> t2l.AdapterBank:
    bank = make_bank()
    if old == "code":
        bank.register(codes=torch.tensor([[1.0], [2.0]]), names=["it", "other"])
    else:
        bank.register(weights=[weights(1.0), weights(2.0)], names=["it", "other"])
    return bank


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("old", NEW)
def test_leases_keep_the_old_one_and_later_ones_get_the_new(old, new):
    bank = filled(old)
    with bank.lease(["it", "other"]) as before:
        aside = bank.replace("it", **NEW[new])
        with bank.lease(["it", aside, "other"]) as after:
            assert [owner(bank, int(s)) for s in after.slots] == [5.0, 1.0, 2.0]
            assert after.slots[1:].tolist() == before.slots.tolist()
        assert [owner(bank, int(s)) for s in before.slots] == [1.0, 2.0]
        before.check()
        with pytest.raises(AdapterInUse):
            bank.forget([aside])
    bank.forget([aside])
    assert list(bank) == ["it", "other"]
    assert bank.generated("it") == (new == "code")
    with bank.lease(["it"]) as lease:
        assert owner(bank, int(lease.slots[0])) == 5.0
    assert float(bank.weights("it").lora_a["proj"][0, 0, 0]) == 5.0


def test_the_old_slot_is_free_again_once_it_is_forgotten():
    bank = filled("weights")
    with bank.lease(["it"]):
        aside = bank.replace("it", weights=weights(5.0))
    bank.forget([aside])
    names = [f"n{i}" for i in range(SLOTS)]
    bank.register(weights=[weights(9.0)] * SLOTS, names=names)
    with bank.lease(names) as lease:
        assert sorted(lease.slots.tolist()) == list(range(SLOTS))


@pytest.mark.parametrize(
    ("adapter", "new", "error"),
    [
        ("none", {"weights": weights(5.0)}, UnknownAdapter),
        ("it", {}, ArgumentError),
        ("it", {"weights": weights(5.0), "code": torch.tensor([5.0])}, ArgumentError),
        ("it", {"weights": weights(5.0, rank=3)}, AdapterMismatch),
        ("it", {"weights": weights(float("nan"))}, AdapterMismatch),
        ("it", {"code": torch.tensor([5.0, 6.0])}, ArgumentError),
    ],
    ids=["unknown", "nothing", "both", "rank", "not finite", "shape"],
)
def test_what_does_not_fit_changes_nothing(adapter, new, error):
    bank = filled("weights")
    with bank.lease(["it"]) as lease, pytest.raises(error):
        bank.replace(adapter, **new)
    assert list(bank) == ["it", "other"]
    with bank.lease(["it"]) as again:
        assert again.slots.tolist() == lease.slots.tolist()
        assert owner(bank, int(again.slots[0])) == 1.0


@pytest.mark.parametrize("new", NEW)
@pytest.mark.parametrize("old", NEW)
def test_a_file_keeps_the_new_one_alone(tmp_path, old, new):
    def opened():
        model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
        path = tmp_path / "store.sqlite"
        return t2l.attach(model, CONFIG, num_slots=2, rank_max=2, generator=Tiny(), store=path).bank

    bank = opened()
    first = {"codes": torch.tensor([[1.0]])} if old == "code" else {"weights": [weights(1.0)]}
    bank.register(**first, names=["it"])
    (number,) = bank.register(**first)
    asides = [bank.replace(i, **NEW[new]) for i in ("it", number)]
    with bank.lease([asides[0]]) as lease:
        assert owner(bank, int(lease.slots[0])) == 1.0
    bank.forget(asides[:1])
    bank.close()
    again = opened()
    assert sorted(map(str, again)) == sorted(["it", str(number)])
    for adapter in again:
        assert float(again.weights(adapter).lora_a["proj"][0, 0, 0]) == 5.0
        assert again.generated(adapter) == (new == "code")
    again.close()
