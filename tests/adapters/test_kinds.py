"""What every kind of adapter keeps: its slots, and the delta that they add at a site."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.adapters import find_sites
from t2l_fast.adapters.kinds import KINDS, Slots
from t2l_fast.errors import AdapterMismatch, ArgumentError
from t2l_fast.generators import Zhyper, ZhyperConfig
from t2l_kernels import Route

LAYERS, IN, OUT, RANK, SLOTS = 2, 12, 8, 3, 5
LORA = t2l.LoraConfig(("proj",), rank=RANK, alpha=6)
TOKENS = torch.tensor([3, -1, 0, 0, 3, 1, -1, 4])
"""Slots of one batch's rows; slot 4 is never filled."""


def generator(seed: int = 0) -> Zhyper:
    """A generator whose adapters are of every kind; in fp64, so that gradients can be compared."""
    torch.manual_seed(seed)
    config = ZhyperConfig(8, 6, 5, LAYERS, {"proj": (IN, OUT)}, LORA, modulation="full")
    made = Zhyper(config).eval().double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return made


@dataclass
class Case:
    """Slots of one kind, three filled with codes, and the same adapters as A and B."""

    slots: Slots
    sites: list
    own: Zhyper
    expected: t2l.LoraBatch

    def apply(self, layer: int, x, y, slots):
        route = Route.from_tokens(slots.to(torch.int32))
        site = self.sites[layer]
        out = self.slots.delta(site).apply(site, x, y, route, None)
        return y if out is None else out

    def by_hand(self, layer: int, x, y, slots):
        """Row by row: y + scaling · Bᵀ A x of the row's adapter."""
        rows = []
        for row, base, slot in zip(x, y, slots.tolist(), strict=True):
            i = PLACES.get(slot)
            if i is not None:
                a, b = (
                    part["proj"][layer, i] for part in (self.expected.lora_a, self.expected.lora_b)
                )
                base = base + LORA.scaling * (b.mT @ (a @ row))
            rows.append(base)
        return torch.stack(rows)


PLACES = {0: 0, 3: 1, 1: 2}
"""Slot → code."""


@pytest.fixture(params=sorted(KINDS))
def case(request):
    model = nn.ModuleList(
        nn.ModuleDict({"proj": nn.Linear(IN, OUT)}) for _ in range(LAYERS)
    ).double()
    sites = find_sites(model, LORA.target_modules)
    own = generator()
    slots = KINDS[request.param].allocate(sites, SLOTS, RANK, torch.float64, bases=own.bases())
    codes = torch.randn(3, 5, generator=torch.Generator().manual_seed(2)).double()
    slots.fill(own, codes, torch.tensor(list(PLACES)))
    return Case(slots, sites["proj"], own, own.generate(codes=codes))


@pytest.fixture
def rows():
    draws = torch.Generator().manual_seed(3)
    x, y = (torch.randn(len(TOKENS), n, generator=draws).double() for n in (IN, OUT))
    return x, y


def test_slots_say_what_they_are(case):
    slots = case.slots
    assert (slots.num_slots, slots.rank_max, slots.dtype) == (SLOTS, RANK, torch.float64)
    assert slots.device == torch.device("cpu") and slots.bytes_per_slot > 0
    weights = case.own.generate(codes=torch.ones(1, 5).double())[0]
    if slots.holds_weights:
        slots.check_weights()
        slots.write(weights, 2)
    else:
        with pytest.raises(AdapterMismatch, match="materialise=True"):
            slots.check_weights()


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_slot_gives_back_what_was_written(case, rows, layer):
    x, y = rows
    out = case.apply(layer, x, y.clone(), TOKENS)
    torch.testing.assert_close(out, case.by_hand(layer, x, y, TOKENS))
    assert (out[0] - y[0]).abs().max() > 1e-3


def test_an_adapter_in_the_slots_own_form_is_what_fill_writes(case, rows):
    codes = torch.randn(3, 5, generator=torch.Generator().manual_seed(2)).double()
    form = case.slots.own_form(case.own, codes)
    case.slots.clear(torch.arange(SLOTS))
    for slot, i in PLACES.items():
        case.slots.write_own(form[i], slot)
    x, y = rows
    out = case.apply(0, x, y.clone(), TOKENS)
    torch.testing.assert_close(out, case.by_hand(0, x, y, TOKENS))


def test_rows_without_an_adapter_keep_every_bit(case, rows):
    x, y = rows
    out = case.apply(0, x, y.clone(), TOKENS)
    bare = (TOKENS == -1) | (TOKENS == 4)
    assert torch.equal(out[bare], y[bare])


def test_a_mixed_batch_equals_each_row_alone(case, rows):
    x, y = rows
    mixed = case.apply(1, x, y.clone(), TOKENS)
    alone = [
        case.apply(1, x[i : i + 1], y[i : i + 1].clone(), TOKENS[i : i + 1])
        for i in range(len(TOKENS))
    ]
    torch.testing.assert_close(mixed, torch.cat(alone), rtol=1e-12, atol=1e-12)


def test_a_cleared_slot_is_the_base_model_and_others_stay(case, rows):
    x, y = rows
    before = case.apply(0, x, y.clone(), TOKENS)
    case.slots.clear(torch.tensor([3]))
    after = case.apply(0, x, y.clone(), TOKENS)
    cleared = TOKENS == 3
    assert torch.equal(after[cleared], y[cleared])
    torch.testing.assert_close(after[~cleared], before[~cleared], rtol=1e-12, atol=1e-12)
    assert not torch.equal(before[cleared], y[cleared])


def test_a_slot_is_filled_again(case, rows):
    x, y = rows
    case.slots.clear(torch.tensor([0, 3, 1]))
    form = case.slots.own_form(case.own, torch.ones(1, 5).double())
    case.slots.write_own(form[0], 0)
    batch = case.own.generate(codes=torch.ones(1, 5).double())
    a, b = batch.lora_a["proj"][0, 0], batch.lora_b["proj"][0, 0]
    out = case.apply(0, x, y.clone(), torch.zeros(len(x)))
    torch.testing.assert_close(out, y + LORA.scaling * (x @ a.mT) @ b)


def test_gradients_reach_the_input_and_the_output(case, rows):
    found = []
    for apply in (case.apply, case.by_hand):
        x, y = (t.clone().requires_grad_() for t in rows)
        apply(1, x, y, TOKENS).square().sum().backward()
        found.append((x.grad, y.grad))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs)
    assert found[0][0].abs().sum() > 0


def test_foreign_adapters_are_refused_and_change_nothing(case, rows):
    x, y = rows
    before = case.apply(0, x, y.clone(), TOKENS)
    a, b = torch.ones(LAYERS, 1, RANK, IN), torch.ones(LAYERS, 1, RANK, OUT)
    foreign = t2l.LoraBatch(t2l.LoraConfig(("other",), RANK, 6), {"other": a}, {"other": b})
    with pytest.raises(AdapterMismatch, match="attach with"):
        case.slots.write(foreign[0], 0)
    wide = t2l.LoraConfig(("proj",), RANK + 1, 6)
    lora_a = {"proj": torch.ones(LAYERS, RANK + 1, IN)}
    lora_b = {"proj": torch.ones(LAYERS, RANK + 1, OUT)}
    with pytest.raises(AdapterMismatch, match="attach with"):
        case.slots.write(t2l.LoraWeights(wide, lora_a, lora_b), 0)
    assert torch.equal(case.apply(0, x, y.clone(), TOKENS), before)


def test_codes_of_another_generator_fit_where_no_bases_are_shared(case):
    case.slots.check_generator(case.own.fingerprint)
    other = generator(seed=1).fingerprint
    if case.slots.holds_weights:
        case.slots.check_generator(other)
    else:
        with pytest.raises(AdapterMismatch, match="its weights changed"):
            case.slots.check_generator(other)


def test_a_site_without_slots_adds_nothing(case, rows):
    model = nn.ModuleDict({"elsewhere": nn.Linear(IN, OUT)})
    (site,) = find_sites(model, ("elsewhere",))["elsewhere"]
    x, y = rows
    route = Route.from_tokens(TOKENS.to(torch.int32))
    assert case.slots.delta(site).apply(site, x, y, route, None) is None


def test_cores_need_bases():
    sites = find_sites(nn.ModuleDict({"proj": nn.Linear(IN, OUT)}), LORA.target_modules)
    with pytest.raises(ArgumentError, match="got none: use lora slots"):
        KINDS["core"].allocate(sites, SLOTS, RANK, torch.float32)
