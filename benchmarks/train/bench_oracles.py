"""Sixteen task LoRAs trained in one batch beside one after the other."""

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.errors import ModelNotFound, TaskError
from t2l_fast.tasks import Prompt, load_suite
from t2l_fast.train import OracleConfig
from t2l_fast.train.data.collator import Collator
from t2l_fast.train.model.packed_attention import packed_attention
from t2l_fast.train.oracles.batched import concatenated, train_oracles

TASKS, EXAMPLES, STEPS = 16, 2, 3


def test_concurrent_oracles(paired):
    try:
        model, tokenizer = t2l.load_model("smollm2")
        tasks = load_suite().train[:TASKS]
    except (ModelNotFound, TaskError) as error:
        pytest.skip(str(error))
    model.set_attn_implementation("eager")  # as `t2l train` does on a CPU; for both
    model.requires_grad_(False)
    lora = t2l.LoraConfig(("q_proj", "v_proj"), rank=4, alpha=16, use_rslora=True)
    adapters = t2l.attach(model, lora, num_slots=0)
    collator = Collator(Prompt(tokenizer), packed=True)
    start = t2l.LoraBatch.init(lora, adapters.sites, 1)
    losses: dict[int, float] = {}

    def train(at_once: int) -> t2l.LoraBatch:
        """Loss: the mean over tasks of the last step's."""
        config = OracleConfig(STEPS, EXAMPLES, at_once)
        groups = list(train_oracles(start, model, adapters, collator, tasks, config))
        losses[at_once] = sum(group.loss for group in groups) / len(groups)
        return concatenated([group.adapters for group in groups])

    with packed_attention(model):
        together, alone = train(TASKS), train(1)
        for mine, expected in zip(together.parameters(), alone.parameters(), strict=True):
            # AdamW's first steps are signs: a gradient near zero may take either
            assert ((mine - expected).abs() > 1e-3).float().mean() < 1e-2
        times = paired.milliseconds(
            {"together": lambda: train(TASKS), "one after the other": lambda: train(1)}, rounds=2
        )
    gap = abs(losses[TASKS] - losses[1])
    faster = times["one after the other"] / times["together"]
    paired.add(
        "task LoRAs trained in one batch beside one after the other",
        f"{TASKS} tasks × {EXAMPLES} examples, {STEPS} steps, SmolLM2-135M q and v, r 4",
        "≥ 2× faster, losses equal to 1e-4",
        f"{faster:.1f}× ({times['together'] / 1e3:.1f} and "
        f"{times['one after the other'] / 1e3:.1f} s), losses differ by {gap:.0e}",
        faster=faster,
        gap=gap,
        **times,
    )
    assert torch.isfinite(torch.tensor(gap))
