"""`t2l train sft`: a generator, end to end through the frozen base model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from t2l_fast.cli import generator as generators
from t2l_fast.cli import init
from t2l_fast.cli.data import TaskOptions, TextOptions, read_splits, template, token_folder
from t2l_fast.cli.device import FrozenOptions, chosen, load_base
from t2l_fast.cli.lora import ExportedLoraOptions
from t2l_fast.cli.options import Fields, from_configs
from t2l_fast.cli.progress import Bar, StageBars, stage
from t2l_fast.cli.resume import check_run, resumable
from t2l_fast.cli.run import RunOptions, report_end
from t2l_fast.cli.settings import FileOptions, settings, was_set
from t2l_fast.errors import ArgumentError
from t2l_fast.train import SFTConfig


@from_configs
def sft(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, metrics and the result.")],
    files: Annotated[FileOptions, Fields()],
    new: Annotated[generators.NewOptions, Fields(help={"generator": generators.KIND_HELP})],
    shape: generators.Shape,
    lora: Annotated[ExportedLoraOptions, Fields()],
    config: Annotated[SFTConfig, Fields()],
    data: Annotated[TaskOptions, Fields()],
    text: Annotated[TextOptions, Fields()],
    frozen: Annotated[FrozenOptions, Fields()],
    run: Annotated[RunOptions, Fields()],
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="First fit briefly trained adapters of each task.")
    ] = False,
) -> None:
    """Train end to end through the frozen base model, many tasks in every batch.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train sft …` (or accelerate's launcher, on
    GPUs) the tasks of every step are divided over N processes.
    """
    import torch

    from t2l_fast.encoders import EncoderName, embedding_file, load_encoder
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import SFTTrainer, Tracking, WarmStartConfig, join, keep_freed_memory
    from t2l_fast.train.run.best import save_generator

    options, config = _settled(context, new, config, preset=files.preset)
    if files.print_config:
        typer.echo(json.dumps(options, indent=1))
        return
    if new.init is None:
        EncoderName.parse(options["encoder"])  # refused before minutes of reading
    keep_freed_memory()
    tracking = Tracking.of(run.track, out)
    processes = join()
    check_run(out, run.resume, processes)
    silent = run.as_json or not processes.main
    device = chosen(frozen.device, processes.device)
    stage("reading tasks", silent)
    splits = read_splits(data, silent=silent)
    train = splits["train"]
    held_out = {name: own for name, own in splits.items() if name != "train"}
    stage(f"loading the text encoder {options['encoder']}", silent)
    loading: Any = {"device": device, "trust_remote_code": new.trust_remote_code}
    encoder: Any = None
    generator: Any = None
    origin = None
    if new.init is None:
        encoder = load_encoder(options["encoder"], **loading)
    else:
        texts = [task.descriptions for task in train]
        generator, origin = init.generator_of(
            new.init, options["encoder"], texts, embedding_file(), **loading
        )
    stage(f"loading the base model {options['base']}", silent)
    model, tokenizer = load_base(options["base"], frozen.dtype, device, processes, fsdp=frozen.fsdp)
    if generator is None:
        torch.manual_seed(config.seed)
        form, prompt = lora.config(lora.lora_dropout), template(data.tasks, text.prompt)
        generator = generators.new(options, model, form, encoder, prompt)
    tokens = None
    if not config.description_in_prompt:
        tokens = token_folder(data.tasks, text.token_cache, silent=silent)
    with StageBars(silent) as progress:
        trainer = SFTTrainer(
            generator,
            model,
            Prompt(tokenizer, generator.config.prompt_template),
            train,
            config,
            out,
            held_out=held_out,
            warm_start=WarmStartConfig() if warm_start else None,
            tracking=tracking,
            token_cache=tokens,
            embedding_cache=embedding_file(),
            processes=processes,
            origin=origin,
            progress=progress,
        )
        trainer.prepare()
    decides = (trainer.best.measure or "").removesuffix("_matched")
    bar = Bar("training", config.steps, silent, decides)
    with resumable(out, processes), bar as note:
        trainer.train(resume=run.resume, on_step=note)
    if processes.main:
        save_generator(generator, out)
        report_end(trainer.best, bar.spent(), out, Console(stderr=run.as_json))
    processes.leave()


def _settled(
    context: typer.Context, new: generators.NewOptions, config: SFTConfig, preset: str | None
) -> tuple[dict[str, Any], SFTConfig]:
    """Every option, and the config, once `--init`, `--start` and the rates agree.

    Raises:
        ArgumentError: options ask for different things.
    """
    if new.init is not None:
        options = init.decided_by(context, new.init, init.config_of(new.init))
    else:
        options = {}
        if config.start == "given":
            raise ArgumentError(
                "--start given goes on from a generator, got none: name it by --init"
            )
    generators.check_offset(context)
    start = options.get("start", config.start)
    config = replace(config, start=start)
    if not was_set(context, "trunk_learning_rate") and (preset is not None or start == "plain"):
        # published runs have one rate: whoever gives another means it for the trunk too
        config = replace(config, trunk_learning_rate=config.learning_rate)
    options |= {"start": start, "trunk_learning_rate": config.trunk_learning_rate}
    return settings(context, options), config
