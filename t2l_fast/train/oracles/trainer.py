"""Oracles: an adapter of its own for every task, many trained in one batch."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.adapters import Adapters, LoraBatch
from t2l_fast.config import LoraConfig
from t2l_fast.tasks import Prompt, Task
from t2l_fast.train.data.collator import MAX_TOKENS, Collator, collator_for
from t2l_fast.train.data.even import evened
from t2l_fast.train.data.order import check_tasks
from t2l_fast.train.data.token_cache import shared_cache
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.model.losses import answer_loss, label_logits
from t2l_fast.train.oracles.config import OracleConfig
from t2l_fast.train.oracles.library import BANK, LoraLibrary, read_library
from t2l_fast.train.run.checkpoint import check_same
from t2l_fast.train.run.fingerprint import digest
from t2l_fast.train.run.run import Run
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
    metrics, whose step is the number of adapters; a resumed run trains the rest.

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
    run_folder = Run(folder, processes, tracking, files=(BANK,), resumes_from=(BANK,))
    settings = json.loads(json.dumps(asdict(config)))
    settings["dtype"] = str(next(model.parameters()).dtype)
    about = (base_model, prompt.template)
    processes.check_same([settings, asdict(lora), *about, digest(tasks)])
    run_folder.open(resume=resume and (folder / BANK).exists())
    done = _done(folder, tasks, lora, settings, about)
    known = None
    if token_cache is not None:
        known = shared_cache(prompt, tasks, MAX_TOKENS, token_cache, processes=processes)
    collator = collator_for(model, prompt, known=known)
    parts = [] if done is None else [done.adapters]
    first = 0 if done is None else len(done)

    metrics = run_folder.metrics

    def counted(phase: str, count: int, of: int, loss: float) -> None:
        metrics.add({"step": first + count, "of": first + of, "loss": loss})
        if on_step is not None and processes.main:
            on_step(phase, first + count, first + of, loss)

    with frozen(model, lora, packed=collator.packed) as adapters, closing(metrics):
        run = {"oracles": settings, "lora": asdict(lora)}
        if done is None:
            run_folder.begin(run)
        else:
            run_folder.resume(run, first)
        start = LoraBatch.init(lora, adapters.sites, 1, seed=config.seed)
        made = train_oracles(
            start,
            model,
            adapters,
            collator,
            tasks[first:],
            config,
            processes=processes,
            on_step=counted,
        )
        for group in made:
            if not processes.main:
                continue
            parts.append(group.to("cpu"))
            known = tasks[: sum(map(len, parts))]
            library = LoraLibrary(
                tuple(task.name for task in known),
                tuple(task.descriptions for task in known),
                concatenated(parts),
                settings | {"tasks": digest(known)},
                *about,
            )
            library.save(folder)
    processes.wait()
    return read_library(folder)


def train_oracles(
    start: LoraBatch,
    model: nn.Module,
    adapters: Adapters,
    collator: Collator,
    tasks: Sequence[Task],
    config: OracleConfig,
    *,
    processes: Processes | None = None,
    on_step: Progress | None = None,
) -> Iterator[LoraBatch]:
    """Adapters of `tasks`, each as if it were trained alone, a group at a time.

    Every step is one batch through the model; gradients and optimiser work element by element, so
    that tasks don't meet. Examples are drawn by (seed, task name), whatever the group.

    Args:
        start: one adapter, where all start.
        processes: among which tasks are divided; each gets all adapters.

    Yields:
        `tasks_at_once` adapters of each process (fewer in the end), detached.
    """
    processes = processes or Processes()
    start = start.to(collator.device)
    size = config.tasks_at_once * processes.count
    for first in range(0, len(tasks), size):
        together = tasks[first : first + size]
        group, own = processes.chunk(together)
        lora_a, lora_b = (
            {m: t.detach().repeat(1, len(group), 1, 1).requires_grad_() for m, t in part.items()}
            for part in (start.lora_a, start.lora_b)
        )
        batch = LoraBatch(start.config, lora_a, lora_b, start.paths)
        optimizer = torch.optim.AdamW(
            batch.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )
        draws = [random.Random(f"{config.seed}/oracle/{task.name}") for task in group]
        loss, count = 0.0, 0
        for _ in range(config.steps):
            rows = [
                collator.row(slot, example)
                for slot, (task, rng) in enumerate(zip(group, draws, strict=True))
                for example in rng.sample(task.train, min(config.examples, len(task.train)))
            ]
            loss, count = 0.0, len(rows)
            for micro, counts in evened(collator.batches(rows), model, processes):
                with adapters.use(micro.slots, weights=batch):
                    logits, labels = label_logits(model, micro)
                    part = counts * answer_loss(logits, micro, labels, config.label_smoothing)
                    part.backward()
                loss += part.item()
            optimizer.step()
            optimizer.zero_grad()
        loss, count = processes.totals(own * loss, own * count)
        if on_step is not None:
            on_step("oracles", first + len(together), len(tasks), loss / max(1, count))
        yield _whole(batch, len(together), processes)


def _whole(batch: LoraBatch, count: int, processes: Processes) -> LoraBatch:
    """The adapters of all processes, detached, on every one's device."""
    if processes.count == 1:
        return _mapped(batch, Tensor.detach)
    device = batch.parameters()[0].device
    whole = concatenated(processes.gather(_mapped(batch, Tensor.detach).to("cpu")))
    return _mapped(whole, lambda t: t[:, :count]).to(device)


def _mapped(batch: LoraBatch, change: Callable[[Tensor], Tensor]) -> LoraBatch:
    lora_a, lora_b = (
        {m: change(t) for m, t in part.items()} for part in (batch.lora_a, batch.lora_b)
    )
    return LoraBatch(batch.config, lora_a, lora_b, batch.paths)


def concatenated(parts: Sequence[LoraBatch]) -> LoraBatch:
    """All adapters of several batches of one config."""
    first = parts[0]
    return LoraBatch(
        first.config,
        {m: torch.cat([p.lora_a[m] for p in parts], 1) for m in first.lora_a},
        {m: torch.cat([p.lora_b[m] for p in parts], 1) for m in first.lora_b},
        first.paths,
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
