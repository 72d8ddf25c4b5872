"""`t2l train recon`: a generator that gives a library of LoRAs back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from t2l_fast.cli import generator as generators
from t2l_fast.cli.data import TextOptions, read_descriptions, template
from t2l_fast.cli.device import DeviceOptions, chosen
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar, StageBars, stage
from t2l_fast.cli.resume import check_run, resumable
from t2l_fast.cli.run import RunOptions
from t2l_fast.train import ReconConfig


@from_configs
def recon(
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, metrics and the result.")],
    library: Annotated[
        Path, typer.Option(help="What `t2l train oracles` wrote, or a folder of PEFT folders.")
    ],
    text: Annotated[TextOptions, Fields(only=("prompt",))],
    reads: Annotated[generators.EncoderOptions, Fields()],
    shape: generators.ReconShape,
    config: Annotated[
        ReconConfig,
        Fields(
            flags={"factorized": "--factorized/--delta-w"},
        ),
    ],
    place: Annotated[DeviceOptions, Fields()],
    run: Annotated[RunOptions, Fields()],
    generator: Annotated[str, typer.Option(help=generators.KIND_HELP)] = generators.DEFAULT_KIND,
    tasks: Annotated[
        Path | None, typer.Option(help="Task files whose descriptions are used, by name.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Base model that the result names; default: the library's.")
    ] = None,
    z_scores: Annotated[
        bool, typer.Option("--z-scores", help="Heads predict z-scores over the library.")
    ] = False,
) -> None:
    """Train a generator to give back a library of LoRAs; the base model is not needed.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train recon …` the adapters of every step
    are divided over N processes.
    """
    import torch

    from t2l_fast.encoders import EncoderName, embedding_file, load_encoder
    from t2l_fast.train import ReconTrainer, Tracking, join, keep_freed_memory, read_library

    EncoderName.parse(reads.encoder)  # refused before the library is read
    keep_freed_memory()
    tracking = Tracking.of(run.track, out)
    processes = join()
    silent = run.as_json or not processes.main
    device = chosen(place.device, processes.device)
    stage(f"reading the library {library}", silent)
    held = read_library(library, {} if tasks is None else read_descriptions(tasks))
    check_run(out, run.resume, processes)
    if base is None and held.base_model is None and processes.main:
        Console(stderr=True).print(
            f"{library} does not say which base model its adapters are for: name it by --base, "
            "which `t2l eval` and `t2l chat` need",
            markup=False,
            soft_wrap=True,
        )
    stage(f"loading the text encoder {reads.encoder}", silent)
    encoder = load_encoder(reads.encoder, device=device, trust_remote_code=reads.trust_remote_code)
    torch.manual_seed(config.seed)
    decided = {
        "base_model": base or held.base_model,
        "prompt_template": _template(held, tasks, text.prompt),
        "z_scores": z_scores,
        "head_bias": not z_scores,
    }
    model = generators.for_library(generator, held, encoder, shape | decided).to(device)
    with StageBars(silent) as progress:
        trainer = ReconTrainer(
            model,
            held,
            config,
            out,
            tracking=tracking,
            processes=processes,
            embedding_cache=embedding_file(),
            progress=progress,
        )
        trainer.prepare()
    with resumable(out, processes), Bar("reconstruction", config.steps, silent) as note:
        trainer.train(resume=run.resume, on_step=note)
    trainer.finish()
    if processes.main:
        model.save_pretrained(out)
        Console(stderr=run.as_json).print(f"written to {out}", markup=False)
    processes.leave()


def _template(held: Any, tasks: Path | None, style: str | None) -> str | None:
    """The library's own template unless `--prompt` names another."""
    chat = held.base_model is not None and bool(held.settings)  # then no template means that
    if style is None and (chat or held.prompt_template is not None):
        return held.prompt_template
    return template(tasks, style)
