"""One adapter trained alone by peft and torch: the rival of many in one pass."""

from __future__ import annotations

import math
import random
from typing import Any

import peft
import torch
from torch import Tensor

import t2l_fast as t2l
from t2l_fast.train import Job
from t2l_fast.train.adapters.tokens import Rows

SCHEDULES = {
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
}


def train_alone(job: Job, model: Any, data: Rows) -> tuple[dict[str, Tensor], list[float]]:
    """Train a job in a plain loop, from the initial weights and with the rows that we take.

    Args:
        job: without dropout and held-out rows.
        model: left as it was, but without gradients of its own.
        data: what the job trains on.

    Returns:
        Module path and part → weight, and the loss of every step.
    """
    sites = t2l.find_sites(model, job.lora.target_modules)
    start = t2l.LoraBatch.init(job.lora, sites, 1, seed=job.seed)
    adapted = peft.get_peft_model(model, job.lora.to_peft())
    parameters = {}
    for m, group in sites.items():
        for site in group:
            layer = adapted.base_model.model.get_submodule(site.path)
            for part, rows_of in (("lora_A", start.lora_a), ("lora_B", start.lora_b)):
                weight = getattr(layer, part)["default"].weight
                wanted = rows_of[m][site.layer, 0].detach().to(weight)
                weight.data.copy_(wanted if part == "lora_A" else wanted.T)
                parameters[f"{site.path}.{part}"] = weight
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=job.learning_rate, betas=job.betas, weight_decay=job.weight_decay
    )
    per_epoch = -(-len(data) // job.batch)
    steps = job.max_steps or job.epochs * per_epoch
    warmup = max(1, round(steps * job.warmup_fraction))
    adapted.eval()
    losses = []
    for step in range(steps):
        epoch, place = divmod(step, per_epoch)
        order = list(range(len(data)))
        random.Random(f"{job.seed}/{epoch}").shuffle(order)
        chosen = order[place * job.batch : (place + 1) * job.batch]
        ids, labels = _padded(data, chosen)
        logits = adapted(input_ids=ids, use_cache=False).logits[:, :-1]
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())
        loss.backward()
        if job.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(list(parameters.values()), job.clip_norm)
        done = (step - warmup) / max(1, steps - warmup)
        factor = (step + 1) / warmup if step < warmup else SCHEDULES[job.schedule](done)
        optimizer.param_groups[0]["lr"] = job.learning_rate * factor
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    adapted.unload()
    return {name: p.detach() for name, p in parameters.items()}, losses


def _padded(data: Rows, chosen: list[int]) -> tuple[Tensor, Tensor]:
    """Return ids and labels `[rows, T]`, padded on the right."""
    rows = [data.row(i, 0) for i in chosen]
    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for i, row in enumerate(rows):
        tokens, learned = torch.tensor(row.ids), torch.tensor(row.learned)
        ids[i, : len(tokens)] = tokens
        labels[i, : len(tokens)] = tokens.where(learned, -100)
    return ids, labels
