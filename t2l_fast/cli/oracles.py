"""`t2l train oracles`: a LoRA of its own for every task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from t2l_fast.cli.data import TaskOptions, TextOptions, read_splits, template, token_folder
from t2l_fast.cli.device import FrozenOptions, chosen, load_base
from t2l_fast.cli.lora import LoraOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar, stage
from t2l_fast.cli.resume import resumable
from t2l_fast.cli.run import RunOptions
from t2l_fast.train import OracleConfig


@from_configs
def oracles(
    out: Annotated[Path, typer.Argument(help="Folder for library.safetensors.")],
    data: Annotated[TaskOptions, Fields()],
    text: Annotated[TextOptions, Fields()],
    lora: Annotated[LoraOptions, Fields()],
    config: Annotated[OracleConfig, Fields()],
    frozen: Annotated[FrozenOptions, Fields()],
    run: Annotated[
        RunOptions, Fields(help={"resume": "Train what OUT lacks.", "as_json": "Progress as JSON."})
    ],
    base: Annotated[str, typer.Option(help="Base model.")] = "smollm2",
    max_tasks: Annotated[int | None, typer.Option(min=1, help="The first so many.")] = None,
) -> None:
    """Train an adapter of its own for every task, many in one batch, into one file.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train oracles …` tasks are divided over N
    processes.
    """
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import Tracking, join, keep_freed_memory, train_library
    from t2l_fast.train.oracles.library import BANK
    from t2l_fast.train.run.folder import check_folder

    keep_freed_memory()
    tracking = Tracking.of(run.track, out)
    processes = join()
    silent = run.as_json or not processes.main
    if not run.resume:
        check_folder(out, False, processes, own=(BANK,))
    device = chosen(frozen.device, processes.device)
    stage("reading tasks", silent)
    splits = read_splits(data, ("train",), silent=silent)
    tasks = splits["train"][:max_tasks]
    stage(f"loading the base model {base}", silent)
    model, tokenizer = load_base(base, frozen.dtype, device, processes, fsdp=frozen.fsdp)
    with resumable(out, processes, (BANK,)), Bar("oracles", len(tasks), silent) as note:
        train_library(
            model,
            Prompt(tokenizer, template(data.tasks, text.prompt)),
            tasks,
            lora.config(),
            config,
            out,
            base_model=base,
            resume=run.resume,
            token_cache=token_folder(data.tasks, text.token_cache, silent=silent),
            processes=processes,
            on_step=lambda phase, done, of, loss: note(
                {"phase": phase, "step": done, "of": of, "loss": loss}
            ),
            tracking=tracking,
        )
    if processes.main:
        Console(stderr=run.as_json).print(f"written to {out}", markup=False)
    processes.leave()
