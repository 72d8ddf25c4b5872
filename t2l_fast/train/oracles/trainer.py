"""`train_library`: an adapter of its own for every task, in one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from t2l_fast.adapters import LoraBatch
from t2l_fast.config import LoraConfig
from t2l_fast.tasks import Prompt, Task
from t2l_fast.train.data.collator import collator_for
from t2l_fast.train.data.order import check_tasks
from t2l_fast.train.data.token_cache import keep_tokens
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.oracles.batched import concatenated, train_oracles
from t2l_fast.train.oracles.config import OracleConfig
from t2l_fast.train.oracles.library import BANK, LoraLibrary, read_library
from t2l_fast.train.run.agreement import check_same
from t2l_fast.train.run.fingerprint import digest
from t2l_fast.train.run.run import Line, Run, Schedule
from t2l_fast.train.run.tracking import Tracking

Progress = Callable[[str, int, int, float], None]
"""Called with what is done, how far, of how many, and the loss."""


def train_library(
    model: nn.Module,
    prompt: Prompt,
    tasks: Sequence[Task],
    lora: LoraConfig,
    config: OracleConfig,
    folder: str | Path,
    *,
    base_model: str | None = None,
    resume: bool = False,
    token_cache: str | Path | None = None,
    processes: Processes | None = None,
    on_step: Progress | None = None,
    tracking: Tracking | None = None,
) -> LoraLibrary:
    """Train an adapter for every task and keep them as `library.safetensors`.

    The file is written after every group of `tasks_at_once` (of each process), as is a line of
    metrics. Its step is the number of adapters. A resumed run trains the rest.

    Args:
        model: the base model; frozen here, and left as it was.
        lora: of the adapters.
        base_model: its name, which the library notes, as it does the prompt's form.
        token_cache: a folder that keeps tokenised examples; None = in RAM.
        processes: among which tasks are divided; all must see the folder, the main one writes it.
        tracking: gets every line of metrics too.

    Raises:
        CacheError: the token cache can't be used.
        CheckpointError: a library or another run is in the folder already (not resuming), or it is
            of other tasks, settings, or another model or prompt.
        ConfigError: a task has no training examples.
    """
    folder, processes = Path(folder), processes or Processes()
    check_tasks(tasks)
    run = Run(folder, processes, tracking, files=(BANK,), resumes_from=(BANK,))
    settings = json.loads(json.dumps(asdict(config)))
    settings["dtype"] = str(next(model.parameters()).dtype)
    about = (base_model, prompt.template)
    there = processes.of_main((folder / BANK).exists())
    run.open(
        {"oracles": settings, "lora": asdict(lora)},
        resume=resume and there,
        agreed=[settings, asdict(lora), *about, digest(tasks)],
        on_step=None if on_step is None else _reporter(on_step),
    )
    done = _done(folder, tasks, lora, settings, about)
    collator = collator_for(model, prompt)
    if token_cache is not None:
        keep_tokens(collator, tasks, token_cache, processes)
    parts = [] if done is None else [done.adapters]
    with frozen(model, lora, packed=collator.packed) as adapters, run:
        if done is None:
            run.begin()
        else:
            run.go_on(len(done))
        start = LoraBatch.init(lora, adapters.sites, 1, seed=config.seed)
        groups = train_oracles(
            start, model, adapters, collator, tasks[run.step :], config, processes=processes
        )

        def advance(step: int) -> Line:
            group = next(groups)
            parts.append(group.adapters.to("cpu"))
            return {"step": step + len(group.adapters), "of": len(tasks), "loss": group.loss}

        def save() -> None:
            if processes.main:
                whole = concatenated(parts)
                _library(tasks[: len(whole)], whole, settings, about).save(folder)

        run.follow(Schedule(len(tasks)), advance, save, timed=False)
    processes.wait()
    return read_library(folder)


def _reporter(on_step: Progress) -> Callable[[Line], None]:
    return lambda line: on_step("oracles", line["step"], line["of"], line["loss"])


def _library(
    tasks: Sequence[Task],
    adapters: LoraBatch,
    settings: dict[str, Any],
    about: tuple[str | None, str | None],
) -> LoraLibrary:
    return LoraLibrary(
        tuple(task.name for task in tasks),
        tuple(task.descriptions for task in tasks),
        adapters,
        settings | {"tasks": digest(tasks)},
        *about,
    )


def _done(
    folder: Path,
    tasks: Sequence[Task],
    lora: LoraConfig,
    settings: dict[str, Any],
    about: tuple[str | None, str | None],
) -> LoraLibrary | None:
    if not (folder / BANK).exists():
        return None
    done = read_library(folder)
    known = tasks[: len(done)]
    run = {"lora": asdict(lora), "oracles": settings | {"tasks": digest(known)}}
    run |= {"task_names": [task.name for task in known]}
    run |= dict(zip(("base_model", "prompt_template"), about, strict=True))
    saved = {"lora": asdict(done.adapters.config), "oracles": done.settings}
    saved |= {"task_names": list(done.names)}
    saved |= {"base_model": done.base_model, "prompt_template": done.prompt_template}
    older = {"oracles": {"dtype": settings["dtype"], "tasks": run["oracles"]["tasks"]}}
    if "dtype" not in done.settings:  # of a version that noted less
        saved |= {name: run[name] for name in ("base_model", "prompt_template")}
    check_same(saved, run, folder / BANK, defaults=older)
    return done
