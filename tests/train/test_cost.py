"""Costs of a step: FLOPs are those that torch counts in a real one; bytes by hand."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

import t2l_kernels.lora.torch_impl as lora
from t2l_fast.errors import ArgumentError
from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTTrainer
from t2l_fast.train.cost import Base, Step, copies, parts, published

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj")
VARIANTS = {
    "L": {},
    "M": {"arch": "M"},
    "S": {"arch": "S"},
    "S, learnable positions": {"arch": "S", "rank_positions": "learnable"},
    "L, rank by rank": {"rank_rows": True},
    "all modules": {"target_modules": ALL},
    "discrete": {"task_encoder": "discrete"},
    "vq": {"task_encoder": "vq"},
    "softmax": {"task_encoder": "softmax"},
}


@pytest.fixture
def counted(tiny, tasks, runs, tmp_path, monkeypatch):
    """FLOPs of forward and backward of a real step, by torch's own formulae; and the step."""

    def count(**options) -> tuple[int, Step]:
        model = tiny.model()
        options = {"target_modules": ("q_proj", "k_proj", "v_proj")} | options
        generator = tiny.generator(model, **options)
        trainer = SFTTrainer(
            generator, model, Prompt(tiny.tokenizer()), tasks, runs.config(), tmp_path
        )
        inner, rotary = [], []
        # some releases of transformers take the angles by a matmul, which the model leaves out
        own = model.model.rotary_emb
        monkeypatch.setattr(own, "forward", inside(own.forward, rotary))
        # counters don't look into operators of torch.library
        for name in ("forward", "backward"):
            monkeypatch.setattr(lora, name, inside(getattr(lora, name), inner))
        step = trainer.preparation.step(0)
        (batch,) = step.batches
        with trainer.attached() as adapters, FlopCounterMode(display=False) as counter:
            generator.train()
            trainer.backward(adapters, step)
        lengths = batch.widths
        labels = int((batch.labels != -100).sum())
        modelled = Step(Base.of(model.config), generator.config, lengths, labels, len(step.draws))
        assert len(inner) == 2 * 2 * len(generator.config.module_shapes)
        return counter.get_total_flops() - sum(rotary) + sum(inner), modelled

    return count


def inside(operator, found: list[int]):
    aten = torch.ops.aten

    def as_out_of_place(op):
        return lambda *shapes, **_: flop_registry[op](*shapes, out_val=None)

    # torch knows these out of place only
    in_place = {
        aten.addmm_: as_out_of_place(aten.addmm),
        aten.baddbmm_: as_out_of_place(aten.baddbmm),
    }

    def counting(*args, **options):
        with FlopCounterMode(display=False, custom_mapping=in_place) as counter:
            result = operator(*args, **options)
        found.append(counter.get_total_flops())
        return result

    return counting


@pytest.mark.parametrize("variant", VARIANTS)
def test_flops_are_those_of_a_real_step(counted, variant):
    total, step = counted(**VARIANTS[variant])
    assert total == sum(part.flops for part in parts(step))


def test_a_first_layer_without_gradients_of_keys_does_one_matmul_less(counted):
    """With q and v alone: counted here as fused attention does it, with gradients of all three."""
    total, step = counted(target_modules=("q_proj", "v_proj"))
    wide = step.base.heads * step.base.head_size
    spared = 2 * sum(n * n for n in step.lengths) * wide
    # and layer 0's own k_proj, which has no gradient either way
    assert total + spared == sum(part.flops for part in parts(step))


def test_the_published_step_by_hand():
    step = published(512, 64)
    found = {part.name: part for part in parts(step)}
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    assert found["base, forward"].flops == 2 * 4096 * 32 * layer
    spared = 2 * 4096 * (4096 * 4096 + 2 * 4096 * 1024)
    assert found["base, backward to activations"].flops == 2 * 4096 * 32 * layer - spared
    assert found["output head and loss"].flops == 2 * 2 * 8 * 64 * 4096 * 32_000
    assert found["AdamW"].bytes == 40 * 55_424_000
    # §1.6 of the paper's notes: 537 MB for q_proj's A, and for its B; 134 MB for v_proj's B
    held, moved = copies(step)
    one = 4096 * 4096 * 8 * 4
    assert one == 536_870_912
    assert held == 32 * (3 * one + one // 4) and moved == 3 * held


def test_a_steps_cost_is_a_sum_over_rows_but_for_what_rows_share():
    short, long = (
        {part.name: part for part in parts(published(tokens, 64))} for tokens in (128, 256)
    )
    for name in ("generator, forward", "generator, backward", "AdamW", "output head and loss"):
        assert short[name] == long[name]
    for name in ("base, forward", "base, backward to activations", "LoRA"):
        assert long[name].flops == 2 * short[name].flops
        assert short[name].bytes < long[name].bytes < 2 * short[name].bytes
    assert long["attention"].flops == 4 * short["attention"].flops


def test_modules_that_the_base_lacks_are_refused():
    step = published(8, 1)
    shapes = {"q_proj": (4096, 4096), "v_proj": (4096, 4096)}
    with pytest.raises(ArgumentError, match="modules must be among"):
        replace(step, generator=replace(step.generator, module_shapes=shapes))
    lower = {"down_proj": (14336, 4096)}
    with pytest.raises(ArgumentError, match="one of"):
        replace(step, generator=replace(step.generator, module_shapes=lower))
