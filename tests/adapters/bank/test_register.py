"""What is registered: its stored form, and what is refused."""

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.adapters.bank.store import StoredCode
from t2l_fast.errors import (
    AdapterMismatch,
    ArgumentError,
    UnknownAdapter,
)
from tests.adapters.bank.tiny import CONFIG, WIDTH, Tiny, make_bank, owner, weights


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
    assert bank.slab.ranks["proj"][0, lease.slots.long()].tolist() == [1, 4]
    assert bank.slab.scalings["proj"][0, lease.slots.long()].tolist() == [2.0, 2.0]


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


def test_adapters_as_weights_however_they_are_stored():
    bank = make_bank(rank_max=4)
    (coded,) = bank.register(texts=["3"])
    (trained,) = bank.register(weights=[weights(5.0, rank=4)])
    assert [bank.generated(coded), bank.generated(trained)] == [True, False]
    generated, stored = bank.weights(coded), bank.weights(trained)
    assert generated.config.rank == 2 and float(generated.lora_a["proj"][0, 0, 0]) == 3.0
    assert stored.config.rank == 4 and float(stored.lora_b["proj"][0, 3, 1]) == 5.0
    assert generated.paths == stored.paths == {"proj": ("proj",)}
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
