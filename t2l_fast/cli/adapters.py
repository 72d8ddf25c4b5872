"""`t2l train adapters`: many LoRA adapters, each with its own data and settings, in one pass."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from t2l_fast.cli.device import FrozenOptions, chosen, load_base
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar, StageBars, stage
from t2l_fast.cli.resume import resumable
from t2l_fast.cli.run import RunOptions
from t2l_fast.train.adapters.config import MultiLoraConfig


@from_configs
def adapters(
    jobs: Annotated[Path, typer.Argument(help="YAML file with jobs, and defaults for them.")],
    out: Annotated[Path, typer.Argument(help="Folder for adapters, metrics and checkpoints.")],
    config: Annotated[MultiLoraConfig, Fields()],
    frozen: Annotated[FrozenOptions, Fields(only=("dtype", "device"))],
    run: Annotated[
        RunOptions,
        Fields(help={"resume": "Continue the run in OUT; new jobs wait behind the others."}),
    ],
    base: Annotated[str, typer.Option(help="Base model.")] = "smollm2",
) -> None:
    """Train many LoRA adapters in one pass, each with its own data and settings.

    Every job of the file becomes OUT/adapters/NAME, a PEFT folder with its metrics. The exit code
    is 1 if a job failed.
    """
    from t2l_fast.train import (
        MultiLoraTrainer,
        Processes,
        Tracking,
        keep_freed_memory,
        read_jobs,
        stay_alone,
    )
    from t2l_fast.train.adapters.record import FILE
    from t2l_fast.train.run.folder import check_folder

    stay_alone("t2l train adapters")
    keep_freed_memory()
    stage(f"reading {jobs}", run.as_json)
    read = read_jobs(jobs)
    tracking = Tracking.of(run.track, out).names
    check_folder(out, run.resume, own=(FILE,))
    device = chosen(frozen.device)
    stage(f"loading the base model {base}", run.as_json)
    model, tokenizer = load_base(base, frozen.dtype, device, Processes(), fsdp=False)
    with StageBars(run.as_json) as progress:
        trainer = MultiLoraTrainer(
            model,
            tokenizer,
            read,
            out,
            config,
            base_model=base,
            tracking=tracking,
            progress=progress,
        )
        trainer.prepare()
    total = sum(trainer.steps.values())
    with resumable(out, Processes(), (FILE,)), Bar("training", total, run.as_json) as note:
        results = trainer.train(resume=run.resume, on_step=lambda line: note(_shown(line, run)))
    _report(results, out, Console(stderr=run.as_json))


def _shown(line: dict[str, Any], run: RunOptions) -> dict[str, Any]:
    """A line as the bar shows it: how many jobs run, and how many wait and have ended."""
    if run.as_json:
        return line
    counts = ", ".join(f"{line[name]} {name}" for name in ("running", "waiting", "ended"))
    return line | {"phase": counts}


def _report(results: dict[str, Any], out: Path, console: Console) -> None:
    from t2l_fast.train.report import write_report

    counts = Counter(result.status for result in results.values())
    listed = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    console.print(f"{len(results)} jobs: {listed}", markup=False)
    failed = {name: result for name, result in results.items() if result.status == "failed"}
    for name, result in failed.items():
        console.print(f"{name}: {result.reason}", markup=False, soft_wrap=True)
    console.print(f"adapters: {out / 'adapters'}", markup=False, soft_wrap=True)
    if find_spec("matplotlib") is not None:
        console.print(f"report: {write_report([out], out)}", markup=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)
