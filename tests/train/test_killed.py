"""`kill -9` at any moment; what is resumed equals what was never interrupted, bit by bit."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from t2l_fast.train.run.layout import CHECKPOINT, ORACLES
from tests.train import ranks

pytestmark = pytest.mark.slow

STEPS = 40
MOMENTS = [
    ("a line", 1),
    ("a line", 5),
    ("half a line", 5),
    # the first file is settings.json
    ("written, not renamed", 3),
    ("before the renaming", 1),
    ("before the renaming", 2),
    ("before the renaming", 3),
    ("after the renaming", 3),
]
WITH_TWO = {("half a line", 5), ("before the renaming", 3)}
"""Moments at which `make test` kills a run of two processes, too; the others wait for the night."""
KILLS = [
    pytest.param(
        count,
        what,
        after,
        marks=[pytest.mark.nightly] if count == 2 and (what, after) not in WITH_TWO else [],
    )
    for count in (1, 2)
    for what, after in MOMENTS
]
RANDOM = dict(steps=STEPS, save_every=3, eval_every=10, neftune_alpha=5.0, code_noise=0.5)


def train(processes, folder, options, resume, plant=None) -> None:
    made = ranks.trainer(processes, folder, **options)
    if plant is not None:
        plant_kill(processes, *plant)
    made.train(resume=resume)


def plant_kill(processes, what: str, after: int) -> None:
    """The main process dies around its `after`-th write of a whole file or a line of metrics."""
    from t2l_fast.train.run.metrics import Metrics

    if not processes.main:
        return
    left = [after]

    def dies(real, before):
        def call(*args, **options):
            left[0] -= 1
            if before and not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*args, **options)
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

        return call

    if what == "half a line":
        real = Metrics.add

        def half(metrics, line):
            left[0] -= 1
            if not left[0]:
                with metrics.path.open("a") as file:
                    file.write(json.dumps(line)[:20])
                os.kill(os.getpid(), signal.SIGKILL)
            real(metrics, line)

        Metrics.add = half
    elif what == "a line":
        Metrics.add = dies(Metrics.add, before=False)
    else:
        name = "fsync" if what == "written, not renamed" else "replace"
        setattr(os, name, dies(getattr(os, name), before=what == "before the renaming"))


def lines(folder: Path) -> list[dict]:
    path = folder / "metrics.jsonl"
    whole = [t for t in path.read_text().splitlines(True) if t.endswith("\n")]
    timed = ("seconds", "tokens_per", "peak")
    return [{k: v for k, v in json.loads(t).items() if not k.startswith(timed)} for t in whole]


def assert_same(folder: Path, other: Path) -> None:
    ours, theirs = load_file(folder / CHECKPOINT), load_file(other / CHECKPOINT)
    assert ours.keys() == theirs.keys() and "rng" in ours
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert lines(folder) == lines(other)
    steps = [line["step"] for line in lines(other) if line["step"]]
    assert steps == list(range(1, steps[-1] + 1))
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in other.iterdir())


def resumable(folder: Path) -> bool:
    return any((folder / name).exists() for name in (CHECKPOINT, ORACLES))


@pytest.mark.parametrize(("count", "what", "after"), KILLS)
def test_killed_while_it_writes(tmp_path, count, what, after):
    """And killed once more where the resumed run cuts its metrics back."""
    options = dict(steps=7, save_every=2, eval_every=4, neftune_alpha=5.0)
    ranks.together(count, train, tmp_path / "whole", options, False)
    folder = tmp_path / "cut"
    found = ranks.finish(ranks.start(count, train, folder, options, False, (what, after)))
    assert found[0] == ("killed", None)
    if resumable(folder):
        again = ranks.start(count, train, folder, options, True, ("before the renaming", 2))
        assert ranks.finish(again)[0] == ("killed", None)
    ranks.together(count, train, folder, options, resumable(folder))
    assert_same(folder, tmp_path / "whole")


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("after", "begun"),
    [(2, ORACLES), (4, ORACLES), (5, CHECKPOINT)],
    ids=["oracles", "fit, generator alone", "fit"],
)
def test_killed_after_parts_of_a_warm_start(tmp_path, count, after, begun):
    options = dict(steps=3, eval_every=0, warm=dict(steps=2, tasks_at_once=2, fit_steps=20))
    ranks.together(count, train, tmp_path / "whole", options, False)
    folder = tmp_path / "cut"
    plant = ("after the renaming", after)
    found = ranks.finish(ranks.start(count, train, folder, options, False, plant))
    assert found[0] == ("killed", None)
    assert (folder / begun).exists() and (folder / CHECKPOINT).exists() == (begun == CHECKPOINT)
    ranks.together(count, train, folder, options, True)
    ours, theirs = load_file(folder / CHECKPOINT), load_file(tmp_path / "whole" / CHECKPOINT)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("count", "fsdp"), [(1, False), (2, False), (2, True)], ids=["one", "two", "two with fsdp"]
)
def test_killed_at_random_moments(tmp_path, count, fsdp):
    options = RANDOM | dict(fsdp=fsdp)
    ranks.together(count, train, tmp_path / "whole", options, False)
    folder = tmp_path / "cut"
    for goal in (4, 15, 27):
        processes = ranks.start(count, train, folder, options, resumable(folder))
        waited = time.monotonic()
        while not folder.exists() or len(lines_or_none(folder)) < goal:
            assert time.monotonic() - waited < 30 and processes[0].is_alive()
            time.sleep(0.002)
        time.sleep(random.random() * 0.1)
        ranks.kill(processes)
        assert len(lines_or_none(folder)) < STEPS
    ranks.together(count, train, folder, options, True)
    assert_same(folder, tmp_path / "whole")


def lines_or_none(folder: Path) -> list[dict]:
    return lines(folder) if (folder / "metrics.jsonl").exists() else []


def test_another_number_of_processes_goes_on(tmp_path):
    """The same random numbers, sums in another order, which Adam divides by small gradients."""
    options = dict(steps=9, save_every=3, neftune_alpha=5.0, double=True, start="plain")
    ranks.together(1, train, tmp_path / "whole", options, False)
    folder = tmp_path / "cut"
    for count, after in ((2, 5), (3, 2)):
        plant = ("a line", after)
        found = ranks.finish(ranks.start(count, train, folder, options, resumable(folder), plant))
        assert found[0] == ("killed", None)
    ranks.together(1, train, folder, options, True)
    ours, theirs = load_file(folder / CHECKPOINT), load_file(tmp_path / "whole" / CHECKPOINT)
    assert torch.equal(ours["rng"], theirs["rng"])
    for name, expected in theirs.items():
        torch.testing.assert_close(ours[name], expected, rtol=1e-9, atol=1e-8)
    assert [line["step"] for line in lines(folder)] == list(range(1, 10))
