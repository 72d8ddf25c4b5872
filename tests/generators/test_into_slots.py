"""generate_into: the same adapters as generate, written where the model reads them."""

import pytest
import torch
from torch import nn

import t2l_fast as t2l
from t2l_fast.adapters.generator import AdapterGenerator
from t2l_fast.adapters.kinds.lora import LoraSlab
from t2l_fast.errors import AdapterMismatch
from t2l_fast.generators import T2LConfig, TextToLora

SHAPES = {"q_proj": (24, 24), "v_proj": (24, 12), "up_proj": (24, 40)}
SLOTS = torch.tensor([3, 4, -1, 0])


def generator(arch: str, **options) -> TextToLora:
    torch.manual_seed(0)
    config = T2LConfig(
        arch=arch,
        latent_size=16,
        head_in_size=20,
        task_embedding_size=10,
        num_layers=3,
        module_shapes=SHAPES,
        lora=t2l.LoraConfig(tuple(SHAPES), 4, 8),
        **options,
    )
    model = TextToLora(config)
    for head in model.heads.values():
        nn.init.normal_(head.weight, std=0.2)
    return model.train()  # dropout must not act


def slab(rank_max: int = 4, dtype: torch.dtype = torch.float32, more: bool = False) -> LoraSlab:
    shapes = SHAPES | ({"o_proj": (24, 24)} if more else {})
    return LoraSlab(
        {m: torch.full((3, 6, rank_max, a), 7.0, dtype=dtype) for m, (a, _) in shapes.items()},
        {m: torch.full((3, 6, rank_max, b), 7.0, dtype=dtype) for m, (_, b) in shapes.items()},
        {m: torch.full((3, 6), 9, dtype=torch.int32) for m in shapes},
        {m: torch.full((3, 6), 9.0) for m in shapes},
    )


@pytest.mark.parametrize("head_bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("rank_max", [4, 6], ids=["full rank", "wider slab"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("arch", "LMS")
def test_equals_generating_and_copying(arch, dtype, rank_max, head_bias):
    model = generator(arch, head_bias=head_bias)
    codes = torch.randn(4, 10)
    mine, theirs = slab(rank_max, dtype, more=True), slab(rank_max, dtype, more=True)
    model.generate_into(codes, mine, SLOTS)
    AdapterGenerator.generate_into(model, codes, theirs, SLOTS)
    close = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {}
    for part in ("lora_a", "lora_b", "ranks", "scalings"):
        for m, expected in getattr(theirs, part).items():
            torch.testing.assert_close(getattr(mine, part)[m], expected, **close)
    assert model.training


def test_heads_may_be_of_another_dtype_than_the_trunk():
    model = generator("L")
    model.heads.to(torch.bfloat16)
    mine = slab(dtype=torch.bfloat16)
    model.generate_into(torch.randn(4, 10), mine, SLOTS)
    assert (mine.lora_b["q_proj"][:, 0] != 7).all()


@pytest.mark.parametrize(
    ("rank_max", "slots"), [(3, SLOTS), (4, SLOTS[:-1])], ids=["too narrow", "a slot is missing"]
)
def test_what_does_not_fit_is_refused_before_anything_is_written(rank_max, slots):
    target = slab(rank_max)
    with pytest.raises(AdapterMismatch, match=f"slots hold rank ≤ {rank_max}"):
        generator("L").generate_into(torch.randn(4, 10), target, slots)
    assert all((t == 7).all() for t in target.lora_a.values())


def test_a_miss_batch_is_two_head_calls_per_module(monkeypatch):
    calls = []
    real = t2l.ops.head_into_slots
    monkeypatch.setattr(
        t2l.ops, "head_into_slots", lambda *a, **k: calls.append(a[0].shape) or real(*a, **k)
    )
    generator("S").generate_into(torch.randn(4, 10), slab(), SLOTS)
    assert calls == [(3, 4, 4, 20)] * 2 * len(SHAPES)
