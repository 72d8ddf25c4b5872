"""Codes of generated adapters, mixed into the code of one other adapter."""

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.errors import AdapterMismatch, ArgumentError, UnknownAdapter
from tests.adapters.bank.tiny import CONFIG, WIDTH, Tiny, make_bank, owner, weights


def filled(**options) -> t2l.AdapterBank:
    bank = make_bank(rank_max=4, **options)
    bank.register(texts=["5", "9"], names=["five", "nine"])
    bank.register(weights=[weights(1.0)], names=["trained"])
    return bank


def test_a_mixed_code_is_another_adapter_under_its_own_name():
    bank = filled()
    code = bank.code({"five": 0.25, "nine": 0.75})
    assert code.dtype == torch.float32 and code.tolist() == [8.0]
    bank.register(codes=code[None], names=["eight"])
    assert bank.generated("eight")
    with bank.lease(["eight", {"five": 0.25, "nine": 0.75}]) as lease:
        eight, summed = lease.slots.tolist()
        assert owner(bank, eight) == 8.0
        assert bank.slab.ranks["proj"][0, [eight, summed]].tolist() == [2, 4]
    bank.replace("five", code=torch.tensor([100.0]))
    with bank.lease(["eight"]) as lease:
        assert owner(bank, int(lease.slots)) == 8.0


def test_one_adapter_has_its_own_code_which_no_caller_can_change():
    bank = filled()
    for asked in ("nine", {"nine": 1.0}):
        bank.code(asked).fill_(3.0)
    assert bank.code("nine").tolist() == [9.0]
    assert bank.code({"nine": -2.0}).tolist() == [-18.0]


def test_a_mixed_code_is_kept_in_the_file(tmp_path):
    def opened():
        model = nn.ModuleDict({"proj": nn.Linear(WIDTH, WIDTH)})
        path = tmp_path / "store.sqlite"
        return t2l.attach(model, CONFIG, num_slots=2, generator=Tiny(), store=path).bank

    bank = opened()
    a, b = bank.register(texts=["5", "9"])
    bank.register(codes=bank.code({a: 0.5, b: 0.5})[None], names=["seven"])
    bank.close()
    again = opened()
    with again.lease(["seven"]) as lease:
        assert owner(again, int(lease.slots)) == 7.0
    again.close()


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ("nobody", UnknownAdapter, "'nobody'"),
        ({"five": 0.5, "nobody": 0.5}, UnknownAdapter, "'nobody'"),
        ("trained", AdapterMismatch, "got weights for 'trained'"),
        ({"five": 0.5, "trained": 0.5}, AdapterMismatch, "got weights for 'trained'"),
        ({"five": 0.0}, ArgumentError, "other than 0"),
        ({"five": 1e6}, AdapterMismatch, "finite in fp16"),
    ],
    ids=["unknown", "part unknown", "weights", "part of weights", "zero", "overflow"],
)
def test_what_has_no_code(asked, error, words):
    with pytest.raises(error, match=words):
        filled().code(asked)


def test_integer_codes_are_not_mixed():
    bank = make_bank()
    bank.register(codes=torch.tensor([[3], [4]]), names=["three", "four"])
    assert bank.code("four").tolist() == [4]
    with pytest.raises(AdapterMismatch, match="got integers, which name tasks"):
        bank.code({"three": 0.5, "four": 0.5})


def test_codes_of_another_generator_are_refused():
    bank = filled()
    bank.generator.fingerprint = "tiny-2"
    with pytest.raises(AdapterMismatch, match="belongs to generator tiny-1, got tiny-2"):
        bank.code({"five": 0.5, "nine": 0.5})
