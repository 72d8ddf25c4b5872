"""Runs with every task encoder: gradients, the codebook's loss, and resuming bit by bit."""

import pytest
import torch

from t2l_fast.errors import CheckpointError
from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTTrainer, WarmStartConfig
from t2l_fast.train.sft.code_source import draw_codes

KINDS = ["linear", "discrete", "vq", "softmax"]


@pytest.fixture
def make(tiny, trainer):
    """A trainer of a generator with this task encoder."""

    def made(kind, folder="run", *, dropout=0.05, **changes):
        model = tiny.model()
        generator = tiny.generator(model, task_encoder=kind, dropout=dropout)
        return trainer(folder, model=model, generator=generator, **changes)

    return made


@pytest.mark.parametrize("start", ["conditioned", "plain"])
@pytest.mark.parametrize("kind", KINDS)
def test_runs_resume_bitwise(runs, make, kind, start):
    whole = make(kind, "whole", start=start)
    whole.train()
    with pytest.raises(runs.Interrupted):
        make(kind, start=start).train(on_step=runs.interrupt_at(3))
    torch.manual_seed(1234)
    resumed = make(kind, start=start)
    resumed.train(resume=True)
    runs.assert_same(resumed, whole)


@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_lower_the_loss(make, kind, recompute):
    """Every parameter of the encoder moves, and only a codebook adds a loss of its own."""
    made = make(kind, steps=30, eval_every=0, save_every=30, recompute_weights=recompute)
    lines = []
    encoder = made.generator.task_encoder
    made.train(on_step=lines.append)
    first, last = (sum(line["loss"] for line in part) for part in (lines[:5], lines[-5:]))
    assert last < first
    assert all(("auxiliary_loss" in line) == (kind == "vq") for line in lines)
    moved = made.optimizer.adamw.state
    assert all(moved[p]["exp_avg_sq"].any() for p in encoder.parameters())


def gradients(trainer, *, without_loss: bool) -> list[torch.Tensor]:
    generator = trainer.generator
    torch.manual_seed(0)
    with trainer.attached() as adapters:
        generator.train()
        for head in generator.heads.values():
            torch.nn.init.normal_(head.weight, std=0.1)
        if without_loss:
            generator.task_encoder.register_forward_hook(lambda module, *_: forget(module))
        trainer.backward(adapters, trainer.preparation.step(0))
    return [p.grad.clone() for p in generator.parameters()]


def forget(module) -> None:
    module.loss = None


@pytest.mark.parametrize("recompute", [False, True], ids=["kept", "recomputed"])
def test_the_codebooks_loss_reaches_the_gradients(make, recompute):
    """They differ from those without it by its own gradient."""
    options = dict(dropout=0.0, recompute_weights=recompute, start="plain")
    whole = make("vq", "a", **options)
    got = gradients(whole, without_loss=False)
    rest = gradients(make("vq", "b", **options), without_loss=True)
    other = make("vq", "c", **options)
    encoder = other.generator.train().task_encoder
    encoder(draw_codes(other.codes.embeddings, other.preparation.sampler.draw(0), 0.0))
    encoder.loss.backward()
    for left, right, parameter in zip(got, rest, other.generator.parameters(), strict=True):
        own = torch.zeros_like(left) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(left - right, own, rtol=1e-3, atol=1e-6)
    assert any(p.grad is not None and p.grad.any() for p in encoder.mlp.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_start_fits_every_encoder(tiny, tasks, runs, kind, tmp_path):
    model = tiny.model()
    generator = tiny.generator(model, task_encoder=kind)
    made = SFTTrainer(
        generator,
        model,
        Prompt(tiny.tokenizer()),
        tasks,
        runs.config(steps=1),
        tmp_path,
        warm_start=WarmStartConfig(steps=3, tasks_at_once=6, fit_steps=40),
    )
    lines = []
    made.train(on_step=lines.append)
    fits = [line["loss"] for line in lines if line.get("phase") == "fit"]
    assert len(fits) == 2 and all(0 < loss < 10 for loss in fits)


def test_a_resumed_run_needs_the_same_encoder(make):
    make("vq").train()
    with pytest.raises(CheckpointError, match="task_encoder: 'vq' there, 'softmax' now"):
        make("softmax").train(resume=True)
