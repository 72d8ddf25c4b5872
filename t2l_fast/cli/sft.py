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
from t2l_fast.cli.progress import Bar, embed_ahead, stage
from t2l_fast.cli.resume import check_run
from t2l_fast.cli.run import RunOptions, report_end
from t2l_fast.cli.settings import FileOptions, given, settings
from t2l_fast.errors import ArgumentError
from t2l_fast.train import SFTConfig


@from_configs
def sft(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, metrics and the result.")],
    files: Annotated[FileOptions, Fields()],
    new: Annotated[generators.NewOptions, Fields()],
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

    from t2l_fast.encoders import CachedEncoder, load_encoder
    from t2l_fast.generators import AutoGenerator
    from t2l_fast.models import default_cache
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import (
        SFTTrainer,
        Tracking,
        WarmStartConfig,
        join,
        keep_freed_memory,
    )

    options, config = _settled(context, new, config, preset=files.preset)
    if files.print_config:
        typer.echo(json.dumps(options, indent=1))
        return
    keep_freed_memory()
    tracking = Tracking.of(run.track, out)
    processes = join()
    check_run(out, run.resume, processes)
    silent = run.as_json or not processes.main
    device = chosen(frozen.device, processes.device)
    cache = default_cache() / "embeddings.sqlite"
    loading: Any = {"device": device, "trust_remote_code": new.trust_remote_code}
    stage(f"loading the text encoder {options['encoder']}", silent)
    earlier: Any = None
    unchanged = False
    if new.init is None:
        encoder = CachedEncoder(load_encoder(options["encoder"], **loading), cache)
    else:
        earlier = AutoGenerator.from_pretrained(new.init, for_training=True, **loading)
        encoder, unchanged = init.encoder_of(options["encoder"], earlier, cache, **loading)
    stage("reading tasks", silent)
    splits = read_splits(data, silent=silent)
    stage(f"loading the base model {options['base']}", silent)
    model, tokenizer = load_base(options["base"], frozen.dtype, device, processes, fsdp=frozen.fsdp)
    train = splits.pop("train")
    fingerprint = None if earlier is None else earlier.fingerprint
    if earlier is None:
        torch.manual_seed(config.seed)
        form = lora.config(lora.lora_dropout)
        generator = generators.new(options, model, form, encoder, template(data.tasks, text.prompt))
    elif unchanged:
        earlier.use_encoder(encoder)
        generator = earlier
    else:
        earlier.use_encoder(CachedEncoder(earlier.encoder, cache))
        generator = earlier.adopt(encoder, [task.descriptions for task in train])
    if generator.condition == "text" and not config.encoder_rank:
        first = config.descriptions_per_task or None
        embed_ahead(encoder, [d for task in train for d in task.descriptions[:first]], silent)
    stage("tokenising", silent)
    cached = not config.description_in_prompt
    trainer = SFTTrainer(
        generator,
        model,
        Prompt(tokenizer, generator.config.prompt_template),
        train,
        config,
        out,
        held_out=splits,
        warm_start=WarmStartConfig() if warm_start else None,
        tracking=tracking,
        token_cache=token_folder(data.tasks, text.token_cache, silent=silent) if cached else None,
        processes=processes,
        given=fingerprint,
    )
    decides = (trainer.best.measure or "").removesuffix("_matched")
    bar = Bar("training", config.steps, silent, decides)
    with bar as note:
        trainer.train(resume=run.resume, on_step=note)
    if processes.main:
        generator.save_pretrained(out, dtype=torch.float16)
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
    if not given(context, "trunk_learning_rate") and (preset is not None or start == "plain"):
        # published runs have one rate: whoever gives another means it for the trunk too
        config = replace(config, trunk_learning_rate=config.learning_rate)
    options |= {"start": start, "trunk_learning_rate": config.trunk_learning_rate}
    return settings(context, options), config
