"""fit_codes: codes whose adapters answer examples, where words don't lead to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from t2l_fast.errors import ArgumentError, ConfigError
from t2l_fast.generators import Generator
from t2l_fast.tasks import Example, Prompt
from t2l_fast.train.codes.config import FitConfig
from t2l_fast.train.data.collator import collator_for
from t2l_fast.train.model.frozen import frozen
from t2l_fast.train.model.losses import answer_loss, label_logits
from t2l_fast.train.sft.step_adapters import MaterialisedAdapters


def fit_codes(
    generator: Generator,
    model: nn.Module,
    prompt: Prompt,
    examples: Sequence[Sequence[Example]],
    codes: Tensor,
    config: FitConfig | None = None,
    *,
    on_step: Callable[[dict[str, Any]], None] | None = None,
) -> Tensor:
    """Train codes alone, each on its own examples; generator and base model stay as they are.

    As textual inversion trains a word's embedding (Gal et al. 2022, 2208.01618). A code keeps its
    length, since those of texts are all of one. Codes don't meet: each becomes what it would alone.

    Args:
        examples: of each adapter, at least one.
        codes: `[N, *code_shape]` where they start, such as `generator.encode(descriptions)`.
        config: None = `FitConfig()`.
        on_step: called with {"step", "loss"}, the mean over rows, after each step.

    Returns:
        `[N, *code_shape]` fp32, for `generator.generate(codes=…)` and `bank.register(codes=…)`.

    Raises:
        ArgumentError: no codes, not as many lists of examples, or an empty one.
        ConfigError: a discrete task encoder.
        AdapterMismatch, SiteNotFound: the generator's adapters don't fit the model.
    """
    if not examples or len(examples) != len(codes) or not all(examples):
        raise ArgumentError(
            f"codes are fitted to at least one example each, got {len(codes)} codes and examples "
            f"{[len(own) for own in examples]}"
        )
    if not generator.differentiable_codes:
        raise ConfigError(
            "codes are fitted by gradients, which a discrete task encoder lets through in training "
            "alone: take a generator with another"
        )
    config = config or FitConfig()
    collator = collator_for(model, prompt)
    fitted = codes.detach().to(generator.anchor.device, torch.float32).clone().requires_grad_()
    sizes = fitted.detach().norm(dim=-1, keepdim=True)
    optimizer = torch.optim.Adam([fitted], lr=config.learning_rate)
    draws = [random.Random(f"{config.seed}/code") for _ in examples]
    lora = generator.config.lora
    with _still(generator), frozen(model, lora, packed=collator.packed) as adapters:
        for step in range(config.steps):
            rows = [
                collator.row(slot, example)
                for slot, (own, rng) in enumerate(zip(examples, draws, strict=True))
                for example in rng.sample(list(own), min(config.rows, len(own)))
            ]
            step_adapters, total = MaterialisedAdapters(generator, fitted), 0.0
            for micro in collator.batches(rows):
                with adapters.use(micro.slots, weights=step_adapters.batch):
                    logits, labels = label_logits(model, micro)
                    loss = answer_loss(logits, micro, labels, 0.0)
                    loss.backward()
                total += loss.item()
            step_adapters.finish(0.0)
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():
                fitted.mul_(sizes / fitted.norm(dim=-1, keepdim=True))
            if on_step is not None:
                on_step({"step": step + 1, "loss": total / len(rows)})
    return fitted.detach()


@contextmanager
def _still(generator: nn.Module) -> Iterator[None]:
    """The generator without dropout and gradients of its own; then as it was."""
    training = generator.training
    trained = [p for p in generator.parameters() if p.requires_grad]
    try:
        generator.eval().requires_grad_(False)
        yield
    finally:
        generator.train(training)
        for parameter in trained:
            parameter.requires_grad_(True)
