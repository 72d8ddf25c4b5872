"""fit_encoder: a text encoder learns which wordings mean the same task."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from t2l_fast.encoders import EncoderAdapter, SentenceEncoder
from t2l_fast.encoders.trained import adapter_of, new_lora
from t2l_fast.errors import ConfigError
from t2l_fast.train.data.order import chunked
from t2l_fast.train.encoder.config import EncoderConfig
from t2l_fast.train.run.run import Line, OnStep, Run, Schedule


def fit_encoder(
    encoder: SentenceEncoder,
    descriptions: Sequence[Sequence[str]],
    config: EncoderConfig,
    *,
    families: Sequence[str] | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> EncoderAdapter:
    """Train a LoRA of an encoder so that a task's descriptions lie together, apart from others'.

    Each step embeds two descriptions of each of its tasks. Each has to match the other among all
    (InfoNCE, both ways; van den Oord et al. 2018). Tasks of one family come in chunks, since
    they are what is mixed up. Training descriptions alone are read, and no base model is run.

    Args:
        encoder: left as it was.
        descriptions: of every task, at least two each.
        families: of every task; None = all are of one.
        folder: for a checkpoint every `save_every` steps; None = none.
        resume: continue from it, as if the run had not been interrupted.
        on_step: called with the metrics of each step.

    Returns:
        The LoRA, in fp16.

    Raises:
        CheckpointError: nothing to resume, another run's checkpoint, or (not resuming) one in the
            folder already.
        ConfigError: too few tasks, a task with a single description, or not a family for each;
            `resume` without a folder.
        EncoderError: a description is too long for the encoder, or it has an adapter already.
    """
    fewest = min(map(len, descriptions), default=0)
    if len(descriptions) < config.tasks_per_batch or fewest < 2:
        raise ConfigError(
            f"an encoder needs at least tasks_per_batch={config.tasks_per_batch} tasks with two "
            f"descriptions each, got {len(descriptions)} tasks with {fewest} or more: lower "
            "tasks_per_batch, or leave out tasks with one"
        )
    families = [""] * len(descriptions) if families is None else families
    if len(families) != len(descriptions):
        raise ConfigError(
            f"families must name one for each of {len(descriptions)} tasks, got {len(families)}"
        )
    settings: dict[str, Any] = {"encoder": encoder.name, "fit": asdict(config)}
    settings["descriptions"] = _digest([descriptions, families])
    run = Run(folder, logs=False)
    run.open(settings, resume=resume, on_step=on_step)
    torch.manual_seed(config.seed)
    with encoder.adapting(new_lora(config.rank, config.alpha)) as wrapped, run:
        state = {name: p for name, p in wrapped.named_parameters() if p.requires_grad}
        optimizer = torch.optim.AdamW(state.values(), lr=config.learning_rate, weight_decay=0.01)
        if resume:
            run.load(state, optimizer)

        def advance(step: int) -> Line:
            rate = config.learning_rate * config.factor(step)
            for group in optimizer.param_groups:
                group["lr"] = rate
            texts = _pairs(descriptions, families, config, step)
            loss = _loss(encoder.embed(texts), config.temperature)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return {"step": step + 1, "loss": loss.item(), "learning_rate": rate}

        schedule = Schedule(config.steps, config.save_every)
        run.follow(schedule, advance, lambda: run.save(state, optimizer))
        return adapter_of(wrapped)


def _pairs(
    descriptions: Sequence[Sequence[str]],
    families: Sequence[str],
    config: EncoderConfig,
    step: int,
) -> list[str]:
    """A description of each task of a step, then another of each; a function of seed and step."""
    size = config.tasks_per_batch
    epoch, index = divmod(step, len(descriptions) // size)
    order = chunked(families, config.contrast, random.Random(f"{config.seed}/epoch/{epoch}"))
    rng = random.Random(f"{config.seed}/step/{step}")
    chosen = order[index * size : (index + 1) * size]
    drawn = [rng.sample(descriptions[i], 2) for i in chosen]
    return [pair[side] for side in (0, 1) for pair in drawn]


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:12]


def _loss(embeddings: Tensor, temperature: float) -> Tensor:
    """Embeddings `[2N, d_e]`, those of one task N rows apart."""
    first, second = normalize(embeddings, dim=-1).chunk(2)
    scores = first @ second.T / temperature
    own = torch.arange(len(first), device=scores.device)
    return 0.5 * (cross_entropy(scores, own) + cross_entropy(scores.T, own))
