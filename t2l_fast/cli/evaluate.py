"""`t2l eval`: generated adapters beside their rivals."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from t2l_fast.cli.data import Splits, TaskOptions, is_published, read_splits, refuse_data_options
from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.generator import CheckpointOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.errors import ArgumentError, ConfigError, MissingPackage, listed


@from_configs
def evaluate(
    data: Annotated[TaskOptions, Fields()],
    place: Annotated[DeviceOptions, Fields()],
    loading: Annotated[CheckpointOptions, Fields(arguments=("checkpoint",))],
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="train, held_out or held_out_families; of Text-to-LoRA's folders train, seen, "
            "held_out or benchmarks; repeatable; default: all, of the latter the first and third."
        ),
    ] = None,
    examples: Annotated[int, typer.Option(min=1, help="Validation examples per task.")] = 4,
    max_tasks: Annotated[int, typer.Option(min=0, help="Of each split; 0 = all.")] = 0,
    multi_task: Annotated[
        Path | None, typer.Option(help="PEFT folder of one LoRA for all tasks.")
    ] = None,
    multi_task_described: Annotated[
        Path | None, typer.Option(help="One LoRA trained with the description in the prompt.")
    ] = None,
    oracles: Annotated[
        Path | None, typer.Option(help="What `t2l train oracles` wrote: each task's own LoRA.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of orders and draws.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the numbers as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a bar chart as PNG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, no table.")] = False,
) -> None:
    """Measure exact match: base, rivals, and matched, shuffled and junk descriptions."""
    from t2l_fast import report as reports
    from t2l_fast.adapters import LoraWeights
    from t2l_fast.evaluate import conditions
    from t2l_fast.evaluate import evaluate as measure
    from t2l_fast.generators import AutoGenerator
    from t2l_fast.models import describe, load_model
    from t2l_fast.tasks import Prompt

    _check_files(out, plot)
    device = chosen(place.device)
    if is_published(data.tasks):
        known = read_splits(data, split, silent=as_json)
    else:
        refuse_data_options(data)
        known = _splits(split, data.tasks)
    splits = _drawn(known, max_tasks, seed)
    generator = AutoGenerator.from_pretrained(
        loading.checkpoint, device=device, trust_remote_code=loading.trust_remote_code
    )
    if generator.config.base_model is None:
        raise ConfigError(
            f"eval needs a checkpoint that names its base model, got {loading.checkpoint}"
        )
    rivals = conditions(
        generator,
        multi_task=LoraWeights.from_pretrained(multi_task) if multi_task else None,
        multi_task_described=(
            LoraWeights.from_pretrained(multi_task_described) if multi_task_described else None
        ),
        oracles=_by_task(oracles) if oracles else None,
    )
    model, tokenizer = load_model(generator.config.base_model, device=device)
    prompt = Prompt(tokenizer, generator.config.prompt_template)
    rows = sum(min(len(t.validation), examples) for group in splits.values() for t in group)
    with Progress(console=Console(stderr=True), disable=as_json) as progress:
        bar = progress.add_task("answering", total=rows * len(rivals))
        report = measure(
            model,
            prompt,
            splits,
            rivals,
            examples=examples,
            seed=seed,
            on_rows=lambda count: progress.advance(bar, count),
        )
    summary: dict[str, Any] = {
        "checkpoint": loading.checkpoint,
        "base_model": describe(generator.config.base_model),
        "examples_per_task": examples,
        "seed": seed,
        "conditions": report,
    }
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        Console().print(f"Base model: {summary['base_model']}", markup=False)
        Console().print(reports.table(report))
    if out is not None:
        out.write_text(json.dumps(summary, indent=1) + "\n")
    if plot is not None:
        reports.plot(report, plot)


def _check_files(out: Path | None, plot: Path | None) -> None:
    """What is written after a long measurement can be; its folders are made.

    Raises:
        ArgumentError: a file can't be written there.
        MissingPackage: nothing can be drawn.
    """
    if plot is not None and find_spec("matplotlib") is None:
        raise MissingPackage(
            "--plot needs the package matplotlib, which is not installed: "
            'pip install "t2l_fast[bench]", or leave --plot out'
        )
    for flag, path in (("--out", out), ("--plot", plot)):
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArgumentError(
                f"{flag} must be a file in a folder, {path.parent} can't be one: {error}"
            ) from None
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise ArgumentError(
                f"{flag} must be a file that can be written, got {path}: name another"
            )


def _by_task(folder: Path):
    from t2l_fast.train import read_library

    library = read_library(folder)
    return dict(zip(library.names, library.adapters, strict=True))


def _splits(wanted: list[str] | None, folder: Path | None):
    from t2l_fast.tasks import load_suite, read_tasks

    if folder is not None:
        if wanted:
            raise ArgumentError(
                "--split belongs to the built-in suite and Text-to-LoRA's folders, got it with "
                "task files"
            )
        return {folder.name: tuple(read_tasks(folder))}
    known = load_suite().splits
    unknown = sorted({*(wanted or ())} - known.keys())
    if unknown:
        raise ArgumentError(f"--split must be one of {listed(known)}, got {unknown[0]!r}")
    return {name: group for name, group in known.items() if not wanted or name in wanted}


def _drawn(known: Mapping[str, Any], limit: int, seed: int) -> Splits:
    import random

    if not limit:
        return dict(known)
    rng = random.Random(seed)
    return {n: tuple(rng.sample(list(g), min(limit, len(g)))) for n, g in known.items()}
