"""Several adapters in one row: an exact sum, a slot like any other, and never a stale part."""

import math
from dataclasses import replace

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import (
    AdapterInUse,
    AdapterMismatch,
    ArgumentError,
    BankFull,
    UnknownAdapter,
)
from tests.adapters.bank.tiny import SLOTS, Tiny, make_bank, weights

MIX = {"poet": 0.75, "lawyer": 0.25}


def delta(held: t2l.LoraWeights, key: str, layer: int) -> torch.Tensor:
    a, b = held.lora_a[key][layer].double(), held.lora_b[key][layer].double()
    return held.scalings_of(key)[layer] * b.T @ a


def in_slot(bank: t2l.AdapterBank, slot: int) -> float:
    """The delta in a slot of the tiny bank, whose entries are all equal."""
    rank = int(bank.slab.ranks["proj"][0, slot])
    a, b = (t["proj"][0, slot, :rank].double() for t in (bank.slab.lora_a, bank.slab.lora_b))
    values = float(bank.slab.scalings["proj"][0, slot]) * b.T @ a
    torch.testing.assert_close(values, values[:1, :1].expand_as(values))
    return float(values[0, 0])


def alone(value: float) -> float:
    """The delta of the tiny bank's adapters: rank 2 and scale 2."""
    return 2 * 2 * value**2


def filled(num_slots: int = SLOTS, rank_max: int = 4, **options) -> t2l.AdapterBank:
    bank = make_bank(num_slots, rank_max=rank_max, **options)
    bank.register(weights=[weights(1.0), weights(2.0), weights(3.0)], names=["poet", "lawyer", "c"])
    bank.register(texts=["5", "6"], names=["five", "six"])
    return bank


def leased(bank: t2l.AdapterBank, *ids) -> list[float]:
    with bank.lease(ids) as lease:
        return [in_slot(bank, int(s)) for s in lease.slots]


# ------------------------------------------------------------------------------- exact


@torch.no_grad()
def test_rows_of_mixtures_have_the_logits_of_summed_weights(lora, tokens):
    """Ranks, scales, targets and layers differ; fp64."""
    targets = ("q_proj", "v_proj", "down_proj")
    model = lora.build("llama").double()
    held = {}
    for name, chosen, rank, rslora in (
        ("poet", targets, 2, False),
        ("lawyer", ("q_proj",), 3, True),
        ("some", targets, 2, False),
    ):
        config = t2l.LoraConfig(chosen, rank=rank, alpha=8, use_rslora=rslora)
        made = lora.adapters(model, config, 1)[0]
        wide = [{m: t.double() for m, t in part.items()} for part in (made.lora_a, made.lora_b)]
        held[name] = replace(made, lora_a=wide[0], lora_b=wide[1])
    a = {m: t.clone() for m, t in held["some"].lora_a.items()}
    b = {m: t.clone() for m, t in held["some"].lora_b.items()}
    for part in (a, b):  # layer 0 has rank 1 in v_proj, layer 1 none in q_proj
        part["v_proj"][0, 1:] = 0
        part["q_proj"][1] = 0
    held["some"] = replace(
        held["some"],
        lora_a=a,
        lora_b=b,
        ranks={"q_proj": (2, 0), "v_proj": (1, 2), "down_proj": (2, 2)},
        scalings={"q_proj": (0.5, 1.0), "v_proj": (2.0, 3.0), "down_proj": (1.0, 1.0)},
    )
    adapters = t2l.attach(model, t2l.LoraConfig(targets, rank=2, alpha=8), num_slots=8, rank_max=7)
    adapters.bank.register(weights=list(held.values()), names=list(held))
    rows = [
        {"poet": 0.7, "lawyer": 0.3},
        "poet",
        None,
        {"lawyer": -1.5, "some": 1 / 3, "poet": 2.0},
        {"some": 0.1},
    ]
    with adapters.bank.lease(rows) as lease, adapters.use(lease):
        mine = model(tokens).logits
    exported = adapters.bank.weights(rows[3])
    adapters.detach()
    theirs = []
    for row, ids in zip(rows, tokens, strict=True):
        dense = lora.build("llama").double()
        for name, weight in ({row: 1.0} if isinstance(row, str) else row or {}).items():
            for m, paths in held[name].paths.items():
                for layer, path in enumerate(paths):
                    dense.get_submodule(path).weight += weight * delta(held[name], m, layer)
        theirs.append(dense(ids[None]).logits[0])
    torch.testing.assert_close(mine, torch.stack(theirs), rtol=1e-10, atol=1e-10)
    assert torch.equal(mine[2], lora.build("llama").double()(tokens).logits[2])
    assert (mine[0] - mine[1]).abs().max() > 0.1
    exported.merge_into(model)
    torch.testing.assert_close(model(tokens[3:4]).logits[0], theirs[3], rtol=1e-10, atol=1e-10)


def test_weights_beside_generated_codes_add_up():
    bank = filled(rank_max=8)
    got = leased(bank, {"poet": 0.5, "five": -2.0, "six": 1.0}, "five", {"six": 0.5, "lawyer": 1.0})
    wanted = [
        0.5 * alone(1) - 2 * alone(5) + alone(6),
        alone(5),
        0.5 * alone(6) + alone(2),
    ]
    assert got == pytest.approx(wanted)


def test_codes_of_all_mixtures_are_generated_in_one_pass():
    generator = Tiny()
    bank = filled(generator=generator)
    leased(bank, {"five": 0.5, "six": 0.5}, {"five": 0.1, "poet": 1.0}, {"six": 3.0})
    assert generator.calls == [2]


def test_a_mixture_is_exported_as_a_folder(tmp_path):
    bank = filled(rank_max=2)
    bank.weights({"poet": 0.5, "lawyer": -1.0, "five": 2.0}).save_pretrained(tmp_path)
    back = t2l.LoraWeights.from_pretrained(tmp_path)
    assert back.config.rank == 6
    got = delta(back, *next((m, 0) for m in back.lora_a))
    torch.testing.assert_close(got, torch.full_like(got, 0.5 * 4 - 16 + 2 * 100))


# ------------------------------------------------------------------------- slots


def test_equal_mixtures_share_a_slot_and_one_adapter_of_weight_1_is_itself():
    bank = filled()
    rows = [MIX, dict(reversed(MIX.items())), "poet", {"poet": 1}, {"poet": 2}, None]
    with bank.lease(rows) as lease:
        slots = lease.slots.tolist()
        assert slots[0] == slots[1] and slots[2] == slots[3] and slots[5] == -1
        assert len(set(slots)) == 4
        assert lease.ids == tuple(rows)
    assert bank.misses == 3
    bank.lease([MIX]).release()
    assert (bank.hits, bank.misses) == (1, 3)


def test_mixtures_are_evicted_and_come_back():
    bank = filled(num_slots=2)
    first = leased(bank, MIX)
    assert leased(bank, "poet", "c") == [alone(1), alone(3)]
    assert MIX not in [dict(getattr(k, "parts", ())) for k in bank.resident]
    assert leased(bank, MIX) == first == [pytest.approx(0.75 * alone(1) + 0.25 * alone(2))]
    with bank.lease([MIX]):
        with pytest.raises(AdapterInUse, match="'poet': 0.75"):
            bank.evict([MIX])
        with pytest.raises(BankFull):
            bank.lease([{"poet": 1.5}, {"poet": 2.5}])
        assert bank.fits([*map(key, (MIX, {"poet": 1.5}, {"poet": 2.5}))]) == 2
    bank.evict([MIX])
    assert "lawyer" in bank and MIX in bank and {"poet": 1.0, "nobody": 1.0} not in bank


def key(mixture):
    from t2l_fast.adapters.bank.mixture import key_of

    return key_of(mixture)


def test_a_lease_for_each_takes_mixtures():
    bank = filled()
    leases = bank.lease_each([MIX, "poet", MIX])
    assert int(leases[0].slots) == int(leases[2].slots)
    leases[0].release()
    with pytest.raises(AdapterInUse):
        bank.evict([MIX])
    leases[2].release()
    bank.evict([MIX])


# --------------------------------------------------------- parts that change


@pytest.mark.parametrize("new", [{"weights": weights(7.0)}, {"code": torch.tensor([7.0])}])
@pytest.mark.parametrize("part", ["poet", "five"])
def test_a_replaced_part_counts_for_new_leases_alone(part, new):
    bank, mixture = filled(), {part: 0.5, "lawyer": 0.5}
    before = leased(bank, mixture)
    with bank.lease([mixture]) as running:
        aside = bank.replace(part, **new)
        assert leased(bank, mixture) == pytest.approx([0.5 * alone(7) + 0.5 * alone(2)])
        assert [in_slot(bank, int(running.slots))] == before
        running.check()
        with bank.lease([{aside: 0.5, "lawyer": 0.5}]) as waiting:
            assert waiting.slots.tolist() == running.slots.tolist()
    bank.forget([aside])
    assert leased(bank, mixture) == pytest.approx([0.5 * alone(7) + 0.5 * alone(2)])


def test_a_forgotten_part_ends_the_mixture_once_nothing_runs_it():
    bank = filled(num_slots=2)
    running = bank.lease([MIX])
    before = in_slot(bank, int(running.slots))
    bank.forget(["poet"])
    with pytest.raises(UnknownAdapter, match="'poet'"):
        bank.lease([MIX])
    bank.register(weights=[weights(9.0)], names=["poet"])
    assert leased(bank, MIX) == pytest.approx([0.75 * alone(9) + 0.25 * alone(2)])
    assert in_slot(bank, int(running.slots)) == before
    running.check()
    with pytest.raises(BankFull):
        bank.lease(["c", "lawyer"])
    running.release()
    with bank.lease(["c", "lawyer"]) as both:
        assert sorted(both.slots.tolist()) == [0, 1]


def test_an_idle_mixture_of_a_forgotten_part_leaves_its_slot():
    bank = filled()
    leased(bank, MIX, "lawyer")
    bank.forget(["poet"])
    assert list(bank.resident) == ["lawyer"]
    assert len(bank._slots.free) == SLOTS - 1


def test_generated_says_whether_all_parts_are_codes():
    bank = filled()
    assert bank.generated({"five": 1.0, "six": 2.0})
    assert not bank.generated({"five": 1.0, "poet": 2.0})


# ------------------------------------------------------------------------- refusals

REFUSED = {
    "empty": ({}, ArgumentError, "at least one adapter, got none"),
    "unknown": ({"poet": 0.5, "nobody": 0.5}, UnknownAdapter, "'nobody'"),
    "zero": ({"poet": 0.0, "lawyer": 1.0}, ArgumentError, "other than 0, got 0.0 for 'poet'"),
    "nan": ({"poet": math.nan}, ArgumentError, "got nan for 'poet'"),
    "infinite": ({"poet": -math.inf}, ArgumentError, "got -inf for 'poet'"),
    "no number": ({"poet": "0.5"}, ArgumentError, "got a str for 'poet'"),
    "true": ({"poet": True}, ArgumentError, "got a bool for 'poet'"),
    "base": ({"poet": 0.5, None: 0.5}, ArgumentError, "got a NoneType"),
    "ranks": (
        {"poet": 1.0, "lawyer": 1.0, "c": 1.0},
        AdapterMismatch,
        "rank ≤ 4, got a mixture whose ranks add up to 6: attach with rank_max=6",
    ),
    "overflow": ({"poet": 1e38, "c": 1e38}, AdapterMismatch, "must be finite"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_mixed_changes_nothing(case):
    mixture, kind, words = REFUSED[case]
    bank = filled()
    with bank.lease(["poet", MIX]) as lease:
        before = (bank.resident, list(bank._slots.pins), list(bank._slots.free))
        with pytest.raises(kind, match=words):
            bank.lease(["lawyer", mixture])
        assert (bank.resident, list(bank._slots.pins), list(bank._slots.free)) == before
        lease.check()
    if case not in ("ranks", "overflow"):
        with pytest.raises(kind, match=words):
            bank.weights(mixture)


def test_dora_is_refused_with_the_reason():
    bank = filled()
    dora = replace(weights(1.0), magnitudes={"proj": torch.ones(1, 12)})
    bank.register(weights=[dora], names=["dora"])
    with pytest.raises(AdapterMismatch, match="got DoRA for 'dora'"):
        bank.lease([{"dora": 0.5, "poet": 0.5}])
    bank.lease([{"dora": 1.0}]).release()


def test_codes_of_another_generator_are_refused():
    bank = filled()
    bank.generator.fingerprint = "tiny-2"
    with pytest.raises(AdapterMismatch, match="belongs to generator tiny-1, got tiny-2"):
        bank.lease([{"five": 0.5, "poet": 0.5}])


def test_a_mixture_is_no_registered_adapter():
    bank = filled()
    for call in (lambda: bank.forget([key(MIX)]), lambda: bank.replace(MIX, weights=weights(1.0))):
        with pytest.raises(UnknownAdapter, match="'poet': 0.75"):
            call()
