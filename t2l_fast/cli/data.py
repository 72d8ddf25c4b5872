"""Options that say which tasks and how they are shown, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge
from rich.console import Console
from rich.progress import Progress

from t2l_fast.errors import ArgumentError

if TYPE_CHECKING:
    from t2l_fast.tasks import Task

Splits = dict[str, Sequence["Task"]]


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Which tasks a command reads.

    Args:
        tasks: instead of the built-in suite: Text-to-LoRA's task folders, or a folder of JSON
            files, one task each. A file holds name, family, source, licence, descriptions (the last
            4 are for evaluation) and examples (80% of the inputs are trained on). There is one in
            docs/guides/tasks.md.
        data_root: local data sets of Text-to-LoRA's folders; none = the Hugging Face hub.
        max_examples: of each of Text-to-LoRA's folders; 0 = all that it names.
    """

    tasks: Path | None = None
    data_root: Path | None = None
    max_examples: Annotated[int, Ge(0)] = 0


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How a command shows the tasks to the base model.

    Args:
        prompt: short template, or the tokenizer's chat template; default: chat for
            Text-to-LoRA's folders, else compact.
        token_cache: folder for tokenised texts; default: the user's cache for Text-to-LoRA's
            folders, else none.
    """

    prompt: Literal["compact", "chat"] | None = None
    token_cache: Path | None = None


def is_published(tasks: Path | None) -> bool:
    """Return whether `--tasks` names task folders of Text-to-LoRA's form."""
    from t2l_fast.tasks import is_t2l_folder

    return tasks is not None and is_t2l_folder(tasks)


def read_splits(
    data: TaskOptions,
    parts: Sequence[str] | None = None,
    *,
    silent: bool = False,
) -> Splits:
    """Read tasks to train on under "train", and others by what they are.

    Args:
        data: which tasks.
        parts: of Text-to-LoRA's folders; None = train and held_out.
        silent: show no progress.

    Raises:
        TaskError: tasks are damaged, or their data can't be had.
        ArgumentError: options for Text-to-LoRA's folders, but no such folder.
    """
    from t2l_fast.tasks import load_suite, read_t2l_folder, read_tasks

    tasks = data.tasks
    if tasks is None or not is_published(tasks):
        refuse_data_options(data)
        if tasks is None:
            return dict(load_suite().splits)
        return {"train": tuple(read_tasks(tasks, train_fraction=0.8))}
    with Progress(console=Console(stderr=True), disable=silent) as progress:
        bar = progress.add_task("data sets", total=None)
        read = read_t2l_folder(
            tasks,
            parts=parts,
            data_root=data.data_root,
            max_examples=data.max_examples or None,
            on_task=lambda done, of: progress.update(bar, completed=done, total=of),
        )
        return dict(read)


def refuse_data_options(data: TaskOptions) -> None:
    """Say so if an option is given that is for Text-to-LoRA's folders alone.

    Raises:
        ArgumentError: one is.
    """
    if data.data_root is not None or data.max_examples:
        raise ArgumentError(
            "--data-root and --max-examples are for Text-to-LoRA's task folders (with "
            "metadata.yaml), which --tasks must name"
        )


def read_descriptions(tasks: Path) -> dict[str, tuple[str, ...]]:
    """Read training descriptions by task, without data sets."""
    from t2l_fast.tasks import read_t2l_descriptions, read_tasks

    if is_published(tasks):
        return read_t2l_descriptions(tasks)
    return {task.name: task.descriptions for task in read_tasks(tasks)}


def template(tasks: Path | None, style: str | None) -> str | None:
    """Return `Prompt`'s template for these tasks and this style; None = the chat template."""
    from t2l_fast.tasks import COMPACT

    chat = is_published(tasks) if style is None else style == "chat"
    return None if chat else COMPACT


def token_folder(tasks: Path | None, option: Path | None, *, silent: bool = False) -> Path | None:
    """Return the folder of tokenised texts and print it unless `silent`; None = in RAM."""
    from t2l_fast.models import default_cache

    folder = default_cache() / "tokens" if option is None and is_published(tasks) else option
    if folder is not None and not silent:
        note = f"texts are tokenised once, all before the first step, into {folder}"
        Console(stderr=True).print(note, markup=False, soft_wrap=True)
    return folder
