"""Trainers that are equal at the start, interruptions, and what two runs must share."""

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from t2l_fast.tasks import Prompt
from t2l_fast.train import SFTConfig, SFTTrainer
from t2l_fast.train.run.layout import CHECKPOINT

STEPS = 5


class Interrupted(Exception):
    pass


def config(**changes) -> SFTConfig:
    defaults = dict(
        steps=STEPS,
        tasks_per_batch=4,
        examples_per_task=3,
        learning_rate=1e-2,
        eval_every=2,
        eval_examples=2,
        save_every=2,
    )
    return SFTConfig(**(defaults | changes))


@pytest.fixture
def tasks(tiny):
    return [tiny.task(f"shift/{by}", tiny.shift(by)) for by in range(2, 8)]


@pytest.fixture
def trainer(tiny, tasks, tmp_path):
    """Makes trainers that are equal at the start, as another process would."""

    def make(
        folder="run",
        *,
        generator=None,
        model=None,
        tasks=tasks,
        held_out=None,
        token_cache=None,
        prefetch=True,
        **changes,
    ):
        model = model or tiny.model()
        return SFTTrainer(
            generator or tiny.generator(model),
            model,
            Prompt(tiny.tokenizer()),
            tasks,
            config(**changes),
            tmp_path / folder,
            held_out=held_out,
            token_cache=token_cache,
            prefetch=prefetch,
        )

    return make


def interrupt_at(step: int):
    def on_step(line):
        if line["step"] == step:
            raise Interrupted

    return on_step


def metrics(folder) -> list[dict]:
    lines = [json.loads(text) for text in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        {k: v for k, v in line.items() if not k.startswith(("seconds", "tokens_per", "peak"))}
        for line in lines
    ]


def best(folder) -> dict[str, bytes]:
    """The files of the best generator so far."""
    return {path.name: path.read_bytes() for path in (folder / "best").iterdir()}


def assert_same_run(a, b) -> None:
    """Weights, moments, random state, metrics and the best generator, bit by bit."""
    there, here = (load_file(trained.folder / CHECKPOINT) for trained in (a, b))
    assert there.keys() == here.keys()
    assert any(name.startswith("optimizer.exp_avg_sq.") for name in there) and "rng" in there
    assert [name for name in there if not torch.equal(there[name], here[name])] == []
    ours, theirs = a.generator.state_dict(), b.generator.state_dict()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert metrics(a.folder) == metrics(b.folder)
    assert best(a.folder) == best(b.folder) != {}


@pytest.fixture
def runs():
    """The helpers above, for tests (with importlib mode a conftest can't be imported)."""
    return SimpleNamespace(
        STEPS=STEPS,
        Interrupted=Interrupted,
        interrupt_at=interrupt_at,
        config=config,
        metrics=metrics,
        best=best,
        assert_same=assert_same_run,
    )
