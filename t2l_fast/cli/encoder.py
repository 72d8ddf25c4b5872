"""`t2l train encoder`: a LoRA of the text encoder, fitted to descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from t2l_fast.cli.data import TaskOptions, is_published, read_descriptions
from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.generator import EncoderOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar, stage
from t2l_fast.cli.resume import resumable
from t2l_fast.cli.run import RunOptions
from t2l_fast.errors import ArgumentError
from t2l_fast.train import EncoderConfig


@from_configs
def encoder(
    out: Annotated[Path, typer.Argument(help="Folder for the adapter, a PEFT folder.")],
    reads: Annotated[
        EncoderOptions,
        Fields(help={"encoder": "Text encoder: minilm or a sentence-transformers model."}),
    ],
    data: Annotated[TaskOptions, Fields(only=("tasks",))],
    config: Annotated[EncoderConfig, Fields()],
    place: Annotated[DeviceOptions, Fields()],
    run: Annotated[RunOptions, Fields(only=("resume", "as_json"))],
) -> None:
    """Fit a text encoder: wordings of a task move together, tasks apart; no base model is run.

    Then: t2l train sft RUN --encoder minilm+OUT
    """
    from t2l_fast.encoders import EncoderName, SentenceEncoder, load_encoder
    from t2l_fast.encoders.adapter import CONFIG_NAME
    from t2l_fast.tasks import load_suite, read_tasks
    from t2l_fast.tasks.published import is_trained
    from t2l_fast.train import Processes, fit_encoder, keep_freed_memory, stay_alone

    name = EncoderName.parse(reads.encoder)
    if name.kind == "causal":
        raise ArgumentError(
            f"--encoder must be a sentence-transformers model here, got {reads.encoder!r}"
        )
    if name.adapter is not None:
        raise ArgumentError(
            f"an encoder to fit must have no adapter yet, got {reads.encoder!r}: fit {name.plain!r}"
        )
    stay_alone("t2l train encoder")
    if not run.resume and (out / CONFIG_NAME).exists():
        raise ArgumentError(f"{out} holds an adapter already: name another folder")
    if data.tasks is not None and is_published(data.tasks):
        texts_of = read_descriptions(data.tasks)
        descriptions = [texts for name, texts in texts_of.items() if is_trained(name)]
        families = None
    else:
        group = load_suite().train if data.tasks is None else read_tasks(data.tasks)
        descriptions = [task.descriptions for task in group]
        families = [task.family for task in group]
    device = chosen(place.device)
    stage(f"loading the text encoder {reads.encoder}", run.as_json)
    loaded = load_encoder(reads.encoder, device=device, trust_remote_code=reads.trust_remote_code)
    assert isinstance(loaded, SentenceEncoder)  # every kind but "causal"
    keep_freed_memory()
    with resumable(out, Processes()), Bar("encoder", config.steps, run.as_json) as note:
        fitted = fit_encoder(
            loaded,
            descriptions,
            config,
            families=families,
            folder=out,
            resume=run.resume,
            on_step=note,
        )
    fitted.write(out)
    text = f"written to {out}: use it as --encoder {reads.encoder}+{out}"
    Console(stderr=run.as_json).print(text, markup=False, soft_wrap=True)
