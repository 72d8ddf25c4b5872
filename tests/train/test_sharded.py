"""A base model split over processes: hooks fire, results and gradients are the whole model's."""

import pytest
import torch

from t2l_fast.adapters import LoraBatch, attach
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError, UnsupportedModel
from t2l_fast.train import Processes, shard
from tests.train import ranks

pytestmark = pytest.mark.slow  # starts processes

LORA = LoraConfig(("q_proj", "v_proj", "down_proj"), 4, 8)


def passed(processes, sharded: bool, dtype: torch.dtype, autocast: bool, first: bool) -> dict:
    """One forward and backward through three adapters; `first` attaches before sharding."""
    model = ranks.tiny()._model().to(dtype)
    adapters = attach(model, LORA, num_slots=0) if first or not sharded else None
    if sharded:
        shard(model, processes)
    adapters = adapters or attach(model, LORA, num_slots=0)
    model.requires_grad_(False)
    torch.manual_seed(0)
    batch = LoraBatch.init(LORA, adapters.sites, 3, seed=1)
    parts = (
        {m: torch.randn_like(t).mul_(0.1).requires_grad_() for m, t in part.items()}
        for part in (batch.lora_a, batch.lora_b)
    )
    batch = LoraBatch(LORA, *parts)
    ids = torch.randint(3, 90, (4, 7))
    with torch.no_grad():
        plain = model(input_ids=ids).logits
    with adapters.use(torch.tensor([0, 2, -1, 1]), weights=batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            logits = model(input_ids=ids).logits
        logits.float().square().mean().backward()
    gradients = [t.grad for t in batch.parameters()]
    local = sum(getattr(p, "to_local", lambda p=p: p)().numel() for p in model.parameters())
    assert all(p.grad is None for p in model.parameters())
    return {
        "plain": plain.float().numpy(),
        "logits": logits.detach().float().numpy(),
        "gradients": [g.float().numpy() for g in gradients],
        "dtypes": [str(logits.dtype), *(str(g.dtype) for g in gradients)],
        "held": local / sum(p.numel() for p in model.parameters()),
    }


@pytest.mark.parametrize("first", [True, False], ids=["attached first", "sharded first"])
@pytest.mark.parametrize(
    ("dtype", "autocast"),
    [(torch.float32, False), (torch.float32, True), (torch.bfloat16, False)],
    ids=["fp32", "autocast", "bf16"],
)
def test_hooks_dtypes_and_gradients_are_those_of_the_whole_model(dtype, autocast, first):
    (expected,) = ranks.together(1, passed, False, dtype, autocast, first)
    for found in ranks.together(2, passed, True, dtype, autocast, first):
        assert found["dtypes"] == expected["dtypes"]
        for name in ("plain", "logits"):
            torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-6)
        for mine, theirs in zip(found["gradients"], expected["gradients"], strict=True):
            assert abs(theirs).max() > 0
            torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-9)
        rows = found["logits"], found["plain"]
        assert (abs(rows[0] - rows[1])[[0, 1, 3]].max((1, 2)) > 1e-3).all()
        if not autocast:
            assert (rows[0][2] == rows[1][2]).all()  # slot −1
        assert found["held"] <= 0.51 and expected["held"] == 1.0


def bare(processes) -> str:
    with pytest.raises(UnsupportedModel) as caught:
        shard(torch.nn.Linear(4, 4), processes)
    return str(caught.value)


def test_what_cannot_be_sharded_is_refused():
    with pytest.raises(ConfigError, match="sharding needs at least 2 processes, got 1"):
        shard(torch.nn.Linear(4, 4), Processes())
    for said in ranks.together(2, bare):
        assert "names its layers (_no_split_modules), got Linear" in said
