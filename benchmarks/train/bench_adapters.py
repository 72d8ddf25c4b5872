"""Many LoRA adapters trained in one pass, beside peft runs one after the other."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import torch

import t2l_fast as t2l
from benchmarks.train.peft_alone import train_alone
from t2l_fast.errors import ModelNotFound, TaskError
from t2l_fast.models import set_training_attention
from t2l_fast.tasks import Prompt, load_suite
from t2l_fast.train import Job, MultiLoraConfig, MultiLoraTrainer
from t2l_fast.train.adapters.data import read_data

BATCH, STEPS = 2, 3
T = TypeVar("T")


def peak_megabytes() -> float:
    """Return the largest resident memory since `reset_peak`, 0 where Linux does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    lines = (line.split() for line in status.splitlines())
    return next((float(parts[1]) / 1e3 for parts in lines if parts[:1] == ["VmHWM:"]), 0.0)


def reset_peak() -> None:
    """Begin to count the largest resident memory anew, where Linux allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def measured(run: Callable[[], T]) -> tuple[T, float, float]:
    """Return what a call returns, its seconds, and its peak memory in MB."""
    reset_peak()
    started = time.perf_counter()
    result = run()
    return result, time.perf_counter() - started, peak_megabytes()


def jobs_of(count: int, tokenizer) -> list[Job]:
    """Return jobs on tasks of the suite: every second one has another rank and other targets."""
    prompt = Prompt(tokenizer)
    jobs = []
    for i, task in enumerate(load_suite().train[:count]):
        rows = [
            {"prompt": prompt.text(example), "completion": f" {example.output}"}
            for example in task.train[: BATCH * STEPS]
        ]
        targets = ("q_proj", "v_proj") if i % 2 else ("q_proj", "o_proj")
        lora = t2l.LoraConfig(targets, rank=4 if i % 2 else 8, alpha=16)
        jobs.append(
            Job(f"job-{i}", rows, lora, batch=BATCH, max_steps=STEPS, learning_rate=1e-3, seed=i)
        )
    return jobs


@pytest.mark.parametrize("count", [1, 4, 16, 64])
def test_many_adapters_in_one_pass(paired, tmp_path, count):
    try:
        model, tokenizer = t2l.load_model("smollm2")
        jobs = jobs_of(count, tokenizer)
    except (ModelNotFound, TaskError) as error:
        pytest.skip(str(error))
    set_training_attention(model, torch.device("cpu"))  # for both, as `t2l train` does
    model.requires_grad_(False)
    data = [read_data(job, tokenizer).train for job in jobs]
    trainer = MultiLoraTrainer(
        model, tokenizer, jobs, tmp_path / "run", MultiLoraConfig(slots=count)
    )
    trainer.prepare()
    train_alone(jobs[0], model, data[0])  # not counted: what is loaded on first use

    def compare():
        alone = measured(
            lambda: [train_alone(j, model, d)[1][-1] for j, d in zip(jobs, data, strict=True)]
        )
        return alone, measured(trainer.train)

    (losses, alone, alone_mb), (results, ours, ours_mb) = paired.once(compare)
    pairs = zip(results.values(), losses, strict=True)
    gap = max(abs((result.loss or torch.nan) - loss) for result, loss in pairs)
    paired.add(
        f"{count} LoRA adapters trained in one pass beside {count} peft runs one after the other",
        f"{BATCH} rows × {STEPS} steps a job, SmolLM2-135M, ranks 4 and 8, two sets of targets",
        "≥ 5× faster at 64, losses equal to 1e-3",
        f"{alone / ours:.1f}× ({ours:.1f} and {alone:.1f} s), {ours_mb:.0f} and {alone_mb:.0f} MB, "
        f"losses differ by {gap:.0e}",
        faster=alone / ours,
        seconds=ours,
        seconds_alone=alone,
        megabytes=ours_mb,
        megabytes_alone=alone_mb,
        gap=gap,
    )
    assert gap < 1e-3
