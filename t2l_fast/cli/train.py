"""`t2l train`: one command per way of training."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from t2l_fast.cli.data import (
    DataRoot,
    MaxExamples,
    Style,
    TasksFolder,
    TokenFolder,
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
    OffsetFrom,
    RankPositions,
    RankRows,
    TaskEncoder,
    TrustRemoteCode,
)
from t2l_fast.cli.progress import Bar
from t2l_fast.cli.resume import check_run
from t2l_fast.cli.settings import from_file, from_preset, settings
from t2l_fast.errors import ArgumentError

_TRUNK = 3e-4
"""The trunk's learning rate beside heads on whitened latents."""

app = typer.Typer(help="Train generators.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Train generators."""


@app.command()
def sft(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for checkpoints, metrics and the result.")],
    preset: Annotated[
        str | None,
        typer.Option(
            help="mistral, llama or gemma: what the published runs used.",
            callback=from_preset,
            is_eager=True,
        ),
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="YAML with options by their names; flags go before it, a preset behind.",
            callback=from_file,
            is_eager=True,
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Show every setting as JSON and stop.")
    ] = False,
    generator: Annotated[
        Literal["text_to_lora", "multi_task_lora"],
        typer.Option(help="What is trained; multi_task_lora is one LoRA for all tasks."),
    ] = "text_to_lora",
    base: Annotated[str, typer.Option(help="Base model.")] = "smollm2",
    encoder: Annotated[
        str,
        typer.Option(
            help="Text encoder: minilm, a sentence-transformers model, either +FOLDER of "
            "`t2l train encoder`, or causal:MODEL."
        ),
    ] = "minilm",
    trust_remote_code: TrustRemoteCode = False,
    standardise_codes: Annotated[
        bool, typer.Option("--standardise-codes", help="For encoders of uneven numbers (causal:).")
    ] = False,
    tasks: TasksFolder = None,
    data_root: DataRoot = None,
    max_examples: MaxExamples = 0,
    prompt: Style = None,
    token_cache: TokenFolder = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Go on from this generator: a folder, or a name as `t2l eval` takes it; it "
            "decides base, prompt and its own shape, and the encoder unless another is named."
        ),
    ] = None,
    arch: Arch = "L",
    task_encoder: TaskEncoder = "linear",
    rank_rows: RankRows = False,
    rank_positions: RankPositions = "rotary",
    offset: Offset = "none",
    offset_from: OffsetFrom = None,
    latent_size: LatentSize = 128,
    head_in_size: HeadInSize = 384,
    target_modules: Annotated[str, typer.Option(help="Comma-separated.")] = "q_proj,v_proj",
    rank: Annotated[int, typer.Option(min=1)] = 4,
    alpha: Annotated[float, typer.Option(help="Scale is alpha/√rank.")] = 16.0,
    lora_dropout: Annotated[
        float, typer.Option(help="Written into exported adapters; not applied here.")
    ] = 0.0,
    steps: Annotated[int, typer.Option(min=1)] = 1500,
    tasks_per_batch: Annotated[int, typer.Option(min=1)] = 32,
    examples_per_task: Annotated[int, typer.Option(min=1)] = 2,
    contrast: Annotated[int, typer.Option(min=1, help="Tasks of one family side by side.")] = 4,
    learning_rate: Annotated[float, typer.Option(help="Peak, of the heads.")] = 2e-3,
    trunk_learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Peak, of the trunk; default: 3e-4, but --learning-rate with --start plain or "
            "--preset."
        ),
    ] = None,
    start: Annotated[
        Literal["conditioned", "given", "plain"] | None,
        typer.Option(
            help="conditioned (the default of new generators), plain as published, given as "
            "--init has it (the default there)."
        ),
    ] = None,
    schedule: Annotated[Literal["linear", "cosine", "constant"], typer.Option()] = "cosine",
    warmup_fraction: Annotated[float, typer.Option(help="Share of the steps.")] = 0.05,
    weight_decay: Annotated[float, typer.Option()] = 0.01,
    clip_norm: Annotated[float, typer.Option(help="Largest gradient norm.")] = 1.0,
    label_smoothing: Annotated[float, typer.Option()] = 0.0,
    generated_l2: Annotated[float, typer.Option(help="Weight of mean A² + mean B².")] = 1e-3,
    neftune_alpha: Annotated[float, typer.Option(help="Noise on input embeddings.")] = 0.0,
    autocast: Annotated[
        bool, typer.Option("--autocast", help="The base model's forward in bfloat16.")
    ] = False,
    mix_descriptions: Annotated[
        bool, typer.Option(help="Train on mixtures of two descriptions.")
    ] = True,
    descriptions_per_task: Annotated[int, typer.Option(min=0, help="0 = all.")] = 0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of a prompt, and of an answer.")] = 512,
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="First fit briefly trained adapters of each task.")
    ] = False,
    code_noise: Annotated[
        float, typer.Option(min=0, help="On codes, for unseen wordings; 0.5 is much.")
    ] = 0.0,
    code_noise_from: Annotated[int, typer.Option(min=0, help="First step with it.")] = 0,
    encoder_rank: Annotated[
        int, typer.Option(min=0, help="Of a LoRA of the text encoder, trained too; 0 = none.")
    ] = 0,
    encoder_learning_rate: Annotated[float, typer.Option(help="Peak, of that LoRA.")] = 1e-3,
    description_in_prompt: Annotated[
        bool, typer.Option("--description-in-prompt", help="Show it to the base model too.")
    ] = False,
    recompute_weights: Annotated[
        bool,
        typer.Option("--recompute-weights", help="Make A and B again in backward: less memory."),
    ] = False,
    recompute_activations: Annotated[
        bool,
        typer.Option(
            "--recompute-activations", help="Run the base's layers again in backward: less memory."
        ),
    ] = False,
    bucket_overhead: Annotated[
        int, typer.Option(min=0, help="What one more length in a batch costs, in tokens.")
    ] = 32,
    dtype: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="Of the frozen base model.")
    ] = "float32",
    device: Device = "",
    fsdp: Annotated[
        bool, typer.Option("--fsdp", help="Split the base model's weights over the processes.")
    ] = False,
    seed: Annotated[int, typer.Option()] = 42,
    eval_every: Annotated[int, typer.Option(min=0, help="Steps; 0 = never.")] = 100,
    eval_tasks: Annotated[int, typer.Option(min=1, help="Of each split, at most.")] = 64,
    eval_examples: Annotated[int, typer.Option(min=1, help="Of each of them.")] = 4,
    best: Annotated[
        str | None,
        typer.Option(
            help="Accuracy that OUT/best is chosen by; default: of the first held-out split, else "
            "train_matched."
        ),
    ] = None,
    stop_after: Annotated[
        int, typer.Option(min=0, help="Evaluations without a better one; 0 = never.")
    ] = 0,
    track: Annotated[list[str] | None, typer.Option(help="tensorboard, wandb; repeatable.")] = None,
    save_every: Annotated[int, typer.Option(min=1, help="Steps.")] = 100,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in OUT.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Metrics as JSON lines.")] = False,
) -> None:
    """Train end to end through the frozen base model, many tasks in every batch.

    Under `torchrun --nproc-per-node N -m t2l_fast.cli train sft …` (or accelerate's launcher, on
    GPUs) the tasks of every step are divided over N processes.
    """
    import torch

    from t2l_fast.cli import generator as generators
    from t2l_fast.encoders import CachedEncoder
    from t2l_fast.models import default_cache
    from t2l_fast.tasks import Prompt
    from t2l_fast.train import (
        SFTConfig,
        SFTTrainer,
        Tracking,
        WarmStartConfig,
        adopt_encoder,
        join,
        keep_freed_memory,
    )
    from t2l_fast.train.run.best import save_generator

    if init is not None:
        changes = generators.decided_by(context, init, generators.load(init).config)
    else:
        changes = {"start": start or "conditioned"}
    if init is None and start == "given":
        raise ArgumentError("--start given goes on from a generator, got none: name it by --init")
    if offset_from is not None and (offset == "none" or generator != "text_to_lora"):
        raise ArgumentError(
            "--offset-from needs --generator text_to_lora and --offset fixed or learnable, got "
            f"{generator} and {offset}"
        )
    if trunk_learning_rate is None:
        # heads on whitened latents bear more than the trunk; published runs have one rate
        one_rate = preset is not None or changes["start"] == "plain"
        changes["trunk_learning_rate"] = learning_rate if one_rate else _TRUNK
    options = settings(context, changes)
    config = SFTConfig(**{field.name: options[field.name] for field in fields(SFTConfig)})
    if print_config:
        typer.echo(json.dumps(options, indent=1))
        return
    keep_freed_memory()
    tracking = Tracking.of(track, out)
    processes = join()
    check_run(out, resume, processes)
    silent = as_json or not processes.main
    place = chosen(device, processes.device)
    cache = default_cache() / "embeddings.sqlite"
    goes_on = None if init is None else generators.load(init)
    loading: Any = {"device": place, "trust_remote_code": trust_remote_code}
    text_encoder, own = generators.encoder_of(options["encoder"], goes_on, cache, **loading)
    splits = read_splits(tasks, data_root, max_examples, silent=silent)
    model, tokenizer = load_base(options["base"], dtype, place, processes, fsdp=fsdp)
    train = splits.pop("train")
    given = None if goes_on is None else goes_on.fingerprint
    if goes_on is None:
        torch.manual_seed(seed)
        made: Any = generators.new(options, model, text_encoder, template(tasks, prompt))
    elif own:
        goes_on.use_encoder(text_encoder)
        made = goes_on
    else:
        generators.load_own_encoder(goes_on, **loading)
        goes_on.use_encoder(CachedEncoder(goes_on.encoder, cache))
        made = adopt_encoder(goes_on, text_encoder, [task.descriptions for task in train])
    trainer = SFTTrainer(
        made,
        model,
        Prompt(tokenizer, made.config.prompt_template),
        train,
        config,
        out,
        held_out=splits,
        warm_start=WarmStartConfig() if warm_start else None,
        tracking=tracking,
        token_cache=None
        if description_in_prompt
        else token_folder(tasks, token_cache, silent=silent),
        processes=processes,
        given=given,
    )
    decides = (trainer.best.measure or "").removesuffix("_matched")
    bar = Bar("training", steps, silent, decides)
    with bar as note:
        trainer.train(resume=resume, on_step=note)
    if processes.main:
        save_generator(made, out)
        _tell(trainer.best, bar.spent(), out, Console(stderr=as_json))
    processes.leave()


def _tell(best: Any, spent: str, out: Path, console: Console) -> None:
    """How a run ended, and where its time and its results are."""
    from t2l_fast.train.report import write_report

    if best.exhausted:
        console.print(f"stopped: {best.without} evaluations in a row were no better", markup=False)
    if spent:
        console.print(spent, markup=False)
    console.print(f"written to {out}", markup=False)
    if best.value is not None:
        said = f"{best.measure} {best.value:.3f}, step {best.step}"
        console.print(f"the best so far ({said}) is in {best.folder}", markup=False)
    if find_spec("matplotlib") is not None:
        console.print(f"report: {write_report([out], out)}", markup=False)
