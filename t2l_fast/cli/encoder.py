"""`t2l train encoder`: a LoRA of the text encoder, fitted to descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from t2l_fast.cli.data import TasksFolder, is_published, read_descriptions
from t2l_fast.cli.device import Device, chosen
from t2l_fast.cli.generator import TrustRemoteCode
from t2l_fast.cli.progress import Bar
from t2l_fast.errors import ArgumentError


def encoder(
    out: Annotated[Path, typer.Argument(help="Folder for the adapter, a PEFT folder.")],
    encoder: Annotated[
        str, typer.Option(help="Text encoder: minilm or a sentence-transformers model.")
    ] = "minilm",
    trust_remote_code: TrustRemoteCode = False,
    tasks: TasksFolder = None,
    steps: Annotated[int, typer.Option(min=1)] = 100,
    tasks_per_batch: Annotated[int, typer.Option(min=2)] = 96,
    contrast: Annotated[int, typer.Option(min=1, help="Tasks of one family side by side.")] = 24,
    temperature: Annotated[float, typer.Option(help="Of the contrastive loss.")] = 0.05,
    learning_rate: Annotated[float, typer.Option(help="Peak.")] = 1e-3,
    rank: Annotated[int, typer.Option(min=1)] = 4,
    alpha: Annotated[float, typer.Option(help="Scale is alpha/rank.")] = 8.0,
    device: Device = "",
    seed: Annotated[int, typer.Option()] = 42,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 20,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines.")] = False,
) -> None:
    """Fit a text encoder: wordings of a task move together, tasks apart; no base model is run.

    Then: t2l train sft RUN --encoder minilm+OUT
    """
    from t2l_fast.encoders import SentenceEncoder, load_encoder
    from t2l_fast.encoders.adapter import CONFIG_NAME
    from t2l_fast.tasks import load_suite, read_tasks
    from t2l_fast.tasks.published import is_trained
    from t2l_fast.train import EncoderConfig, fit_encoder, keep_freed_memory, stay_alone

    stay_alone("t2l train encoder")
    config = EncoderConfig(
        steps=steps,
        tasks_per_batch=tasks_per_batch,
        contrast=contrast,
        temperature=temperature,
        learning_rate=learning_rate,
        rank=rank,
        alpha=alpha,
        seed=seed,
        save_every=save_every,
    )
    if not resume and (out / CONFIG_NAME).exists():
        raise ArgumentError(f"{out} holds an adapter already: name another folder")
    if is_published(tasks):
        told = read_descriptions(tasks)
        descriptions = [texts for name, texts in told.items() if is_trained(name)]
        families = None
    else:
        group = load_suite().train if tasks is None else read_tasks(tasks)
        descriptions = [task.descriptions for task in group]
        families = [task.family for task in group]
    place = chosen(device)
    loaded = load_encoder(encoder, device=place, trust_remote_code=trust_remote_code)
    if not isinstance(loaded, SentenceEncoder):
        raise ArgumentError(
            f"--encoder must be a sentence-transformers model here, got {encoder!r}"
        )
    keep_freed_memory()
    with Bar("encoder", steps, as_json) as note:
        made = fit_encoder(
            loaded,
            descriptions,
            config,
            families=families,
            folder=out,
            resume=resume,
            on_step=note,
        )
    made.write(out)
    text = f"written to {out}: use it as --encoder {encoder}+{out}"
    Console(stderr=as_json).print(text, markup=False, soft_wrap=True)
