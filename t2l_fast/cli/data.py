"""Options that say which tasks and how they are shown, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from t2l_fast.errors import ArgumentError

if TYPE_CHECKING:
    from t2l_fast.tasks import Task

Splits = dict[str, tuple["Task", ...]]

TasksFolder = Annotated[
    Path | None,
    typer.Option(
        help="Instead of the built-in suite: Text-to-LoRA's task folders, or a folder of JSON "
        "files, each a task: name, family, source, licence, descriptions (the last 4 are for "
        "evaluation) and examples (80% of the inputs are trained on); docs/training.md has one."
    ),
]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="Local data sets of Text-to-LoRA's folders; none = the Hugging Face hub."),
]
MaxExamples = Annotated[
    int, typer.Option(min=0, help="Of each of Text-to-LoRA's folders; 0 = all that it names.")
]
Style = Annotated[
    Literal["compact", "chat"] | None,
    typer.Option(
        "--prompt",
        help="Short template, or the tokenizer's chat template; default: chat for Text-to-LoRA's "
        "folders, else compact.",
    ),
]
TokenFolder = Annotated[
    Path | None,
    typer.Option(
        "--token-cache",
        help="Keep tokenised texts here; default: for Text-to-LoRA's folders the user's cache, "
        "else none.",
    ),
]


def is_published(tasks: Path | None) -> bool:
    """Whether `--tasks` names task folders of Text-to-LoRA's form."""
    from t2l_fast.tasks import is_t2l_folder

    return tasks is not None and is_t2l_folder(tasks)


def read_splits(
    tasks: Path | None,
    data_root: Path | None,
    max_examples: int,
    parts: Sequence[str] | None = None,
    *,
    silent: bool = False,
) -> Splits:
    """Tasks to train on under "train", and others by what they are.

    Args:
        parts: of Text-to-LoRA's folders; None = train and held_out.
        silent: show no progress.

    Raises:
        TaskError: tasks are damaged, or their data can't be had.
        ArgumentError: options for Text-to-LoRA's folders, but no such folder.
    """
    from t2l_fast.tasks import load_suite, read_t2l_folder, read_tasks

    if tasks is None or not is_published(tasks):
        refuse_data_options(data_root, max_examples)
        if tasks is None:
            return dict(load_suite().splits)
        return {"train": tuple(read_tasks(tasks, train_fraction=0.8))}
    with Progress(console=Console(stderr=True), disable=silent) as progress:
        bar = progress.add_task("data sets", total=None)
        return read_t2l_folder(
            tasks,
            parts=parts,
            data_root=data_root,
            max_examples=max_examples or None,
            on_task=lambda done, of: progress.update(bar, completed=done, total=of),
        )


def refuse_data_options(data_root: Path | None, max_examples: int) -> None:
    """Say so if an option is given that is for Text-to-LoRA's folders alone.

    Raises:
        ArgumentError: one is.
    """
    if data_root is not None or max_examples:
        raise ArgumentError(
            "--data-root and --max-examples are for Text-to-LoRA's task folders (with "
            "metadata.yaml), which --tasks must name"
        )


def read_descriptions(tasks: Path) -> dict[str, tuple[str, ...]]:
    """Training descriptions by task, without data sets."""
    from t2l_fast.tasks import read_t2l_descriptions, read_tasks

    if is_published(tasks):
        return read_t2l_descriptions(tasks)
    return {task.name: task.descriptions for task in read_tasks(tasks)}


def template(tasks: Path | None, style: str | None) -> str | None:
    """Of `Prompt`: what the base model reads."""
    from t2l_fast.tasks import COMPACT

    chat = is_published(tasks) if style is None else style == "chat"
    return None if chat else COMPACT


def token_folder(tasks: Path | None, given: Path | None, *, silent: bool = False) -> Path | None:
    """Where tokenised texts are kept, which a user is told unless `silent`; None = in RAM."""
    from t2l_fast.models import default_cache

    folder = default_cache() / "tokens" if given is None and is_published(tasks) else given
    if folder is not None and not silent:
        told = f"texts are tokenised once, all before the first step, into {folder}"
        Console(stderr=True).print(told, markup=False, soft_wrap=True)
    return folder
