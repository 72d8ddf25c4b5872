"""`t2l train oracles` and `t2l train recon`: task LoRAs, and a generator that gives them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from t2l_fast.cli.data import (
    DataRoot,
    MaxExamples,
    Style,
    TasksFolder,
    TokenFolder,
    read_descriptions,
    read_splits,
    template,
    token_folder,
)
from t2l_fast.cli.device import Device, chosen, load_base
from t2l_fast.cli.generator import (
    Arch,
    HeadInSize,
    LatentSize,
    Offset,
    RankPositions,
    RankRows,
    TaskEncoder,
    TrustRemoteCode,
)
from t2l_fast.cli.progress import Bar
from t2l_fast.cli.resume import check_run


def oracles(
    out: Annotated[Path, typer.Argument(help="Folder for library.safetensors.")],
    base: Annotated[str, typer.Option(help="Base model.")] = "smollm2",
    tasks: TasksFolder = None,
    data_root: DataRoot = None,
    max_examples: MaxExamples = 0,
    prompt: Style = None,
    token_cache: TokenFolder = None,
    max_tasks: Annotated[int | None, typer.Option(min=1, help="The first so many.")] = None,
    target_modules: Annotated[str, typer.Option(help="Comma-separated.")] = "q_proj,v_proj",
    rank: Annotated[int, typer.Option(min=1)] = 4,
    alpha: Annotated[float, typer.Option(help="Scale is alpha/√rank.")] = 16.0,
    steps: Annotated[int, typer.Option(min=1, help="Of every adapter.")] = 60,
    examples: Annotated[int, typer.Option(min=1, help="Rows of a task in each step.")] = 2,
    tasks_at_once: Annotated[int, typer.Option(min=1, help="In one batch of a process.")] = 32,
    learning_rate: Annotated[float, typer.Option()] = 2e-3,
    dtype: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="Of the frozen base model.")
    ] = "float32",
    device: Device = "",
    fsdp: Annotated[
        bool, typer.Option("--fsdp", help="Split the base model's weights over the processes.")
    ] = False,
    seed: Annotated[int, typer.Option()] = 42,
    track: Annotated[list[str] | None, typer.Option(help="tensorboard, wandb; repeatable.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Train what OUT lacks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Progress as JSON lines.")] = False,
) -> None:
    """Train an adapter of its own for every task, many in one batch, into one file.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train oracles …` tasks are divided over N
    processes.
    """
    from t2l_fast.config import LoraConfig
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import (
        OracleConfig,
        Tracking,
        join,
        keep_freed_memory,
        train_library,
    )
    from t2l_fast.train.oracles.library import BANK
    from t2l_fast.train.run.checkpoint import check_free

    keep_freed_memory()
    tracking = Tracking.of(track, out)
    processes = join()
    silent = as_json or not processes.main
    if not resume:
        check_free(out, processes, own=(BANK,))
    place = chosen(device, processes.device)
    group = read_splits(tasks, data_root, max_examples, ("train",), silent=silent)["train"]
    group = group[:max_tasks]
    model, tokenizer = load_base(base, dtype, place, processes, fsdp=fsdp)
    lora = LoraConfig(tuple(target_modules.split(",")), rank, alpha, use_rslora=True)
    config = OracleConfig(
        steps=steps,
        examples=examples,
        tasks_at_once=tasks_at_once,
        learning_rate=learning_rate,
        seed=seed,
    )
    with Bar("oracles", len(group), silent) as note:
        train_library(
            model,
            Prompt(tokenizer, template(tasks, prompt)),
            group,
            lora,
            config,
            out,
            base_model=base,
            resume=resume,
            token_cache=token_folder(tasks, token_cache, silent=silent),
            processes=processes,
            on_step=lambda phase, done, of, loss: note(
                {"phase": phase, "step": done, "of": of, "loss": loss}
            ),
            tracking=tracking,
        )
    if processes.main:
        Console(stderr=as_json).print(f"written to {out}", markup=False)
    processes.leave()


def recon(
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, metrics and the result.")],
    library: Annotated[
        Path, typer.Option(help="What `t2l train oracles` wrote, or a folder of PEFT folders.")
    ],
    tasks: Annotated[
        Path | None, typer.Option(help="Task files whose descriptions are used, by name.")
    ] = None,
    prompt: Style = None,
    encoder: Annotated[str, typer.Option(help="Text encoder.")] = "minilm",
    trust_remote_code: TrustRemoteCode = False,
    base: Annotated[
        str | None, typer.Option(help="Base model that the result names; default: the library's.")
    ] = None,
    arch: Arch = "L",
    task_encoder: TaskEncoder = "linear",
    rank_rows: RankRows = False,
    rank_positions: RankPositions = "rotary",
    offset: Offset = "none",
    latent_size: LatentSize = 128,
    head_in_size: HeadInSize = 512,
    factorized: Annotated[
        bool, typer.Option("--factorized/--delta-w", help="Compare A and B, or their product.")
    ] = True,
    z_scores: Annotated[
        bool, typer.Option("--z-scores", help="Heads predict z-scores over the library.")
    ] = False,
    delta_w_scale: Annotated[float, typer.Option(help="Factor on the product.")] = 1e4,
    steps: Annotated[int, typer.Option(min=1)] = 10_000,
    tasks_per_batch: Annotated[int, typer.Option(min=1)] = 4,
    descriptions_per_task: Annotated[int, typer.Option(min=1)] = 1,
    learning_rate: Annotated[float, typer.Option(help="Peak.")] = 1e-3,
    device: Device = "",
    seed: Annotated[int, typer.Option()] = 42,
    eval_every: Annotated[int, typer.Option(min=0, help="Steps; 0 = never.")] = 500,
    save_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 500,
    track: Annotated[list[str] | None, typer.Option(help="tensorboard, wandb; repeatable.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Metrics as JSON lines.")] = False,
) -> None:
    """Train a generator to give back a library of LoRAs; the base model is not needed.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train recon …` the adapters of every step
    are divided over N processes.
    """
    import torch

    from t2l_fast.encoders import CachedEncoder, load_encoder
    from t2l_fast.generators import T2LConfig, TextToLora
    from t2l_fast.models import default_cache
    from t2l_fast.train import (
        ReconConfig,
        ReconTrainer,
        Tracking,
        join,
        keep_freed_memory,
        read_library,
    )

    keep_freed_memory()
    tracking = Tracking.of(track, out)
    processes = join()
    silent = as_json or not processes.main
    place = chosen(device, processes.device)
    config = ReconConfig(
        steps=steps,
        factorized=factorized,
        delta_w_scale=delta_w_scale,
        tasks_per_batch=tasks_per_batch,
        descriptions_per_task=descriptions_per_task,
        learning_rate=learning_rate,
        seed=seed,
        eval_every=eval_every,
        save_every=save_every,
    )
    held = read_library(library, {} if tasks is None else read_descriptions(tasks))
    check_run(out, resume, processes)
    form = template(tasks, prompt)
    chat = held.base_model is not None and bool(held.settings)  # then no template means that
    if prompt is None and (chat or held.prompt_template is not None):
        form = held.prompt_template
    if base is None and held.base_model is None and processes.main:
        Console(stderr=True).print(
            f"{library} does not say which base model its adapters are for: name it by --base, "
            "which `t2l eval` and `t2l chat` need",
            markup=False,
            soft_wrap=True,
        )
    loaded = load_encoder(encoder, device=place, trust_remote_code=trust_remote_code)
    text_encoder = CachedEncoder(loaded, default_cache() / "embeddings.sqlite")
    shapes = held.adapters.module_shapes
    torch.manual_seed(seed)
    shape = T2LConfig(
        arch=arch,
        latent_size=latent_size,
        head_in_size=head_in_size,
        task_embedding_size=text_encoder.dim,
        num_layers=next(iter(shapes.values()))[0],
        module_shapes={m: sizes[1:] for m, sizes in shapes.items()},
        module_paths=held.adapters.paths,
        lora=held.adapters.config,
        head_bias=not z_scores,
        z_scores=z_scores,
        task_encoder=task_encoder,
        rank_rows=rank_rows,
        rank_positions=rank_positions,
        offset=offset,
        base_model=base or held.base_model,
        encoder=text_encoder.name,
        prompt_template=form,
    )
    generator = TextToLora(shape, encoder=text_encoder).to(place)
    trainer = ReconTrainer(generator, held, config, out, tracking=tracking, processes=processes)
    with Bar("reconstruction", steps, silent) as note:
        trainer.train(resume=resume, on_step=note)
    trainer.finish()
    if processes.main:
        generator.save_pretrained(out)
        Console(stderr=as_json).print(f"written to {out}", markup=False)
    processes.leave()
