"""A bank over one linear, and a generator whose adapters tell their code's number."""

import torch
from torch import nn

import t2l_fast as t2l

WIDTH, SLOTS = 12, 8
CONFIG = t2l.LoraConfig(("proj",), rank=2, alpha=4)


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
    rank = int(bank.slab.ranks["proj"][0, slot])
    rows = [t["proj"][:, slot, :rank] for t in (bank.slab.lora_a, bank.slab.lora_b)]
    values = torch.cat(rows).unique()
    assert len(values) == 1, values
    return values.item()
