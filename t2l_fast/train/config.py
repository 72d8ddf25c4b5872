"""SFTConfig: how a generator is trained end to end."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from t2l_fast.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SFTConfig:
    """Supervised fine-tuning of a generator through the frozen base model.

    Args:
        steps: optimiser steps.
        tasks_per_batch: different tasks, and so adapters, in one step.
        examples_per_task: rows of each task in one step.
        contrast: tasks of one family put side by side, on the same inputs where they share them;
            1 = tasks are drawn one by one.
        learning_rate: peak, of AdamW; of a generator's heads.
        trunk_learning_rate: the same for what comes before the heads; None = learning_rate.
        schedule: what follows the warm-up: "linear" or "cosine" to zero, or "constant".
        warmup_fraction: share of the steps with a rising learning rate.
        weight_decay: of AdamW.
        clip_norm: largest gradient norm.
        label_smoothing: of the cross-entropy.
        generated_l2: weight of Σ_modules mean(A²) + mean(B²) (T2L's released code).
        neftune_alpha: noise on the base model's input embeddings (NEFTune); 0 = none.
        autocast: run the base model's forward and the loss under bfloat16 autocast.
        max_tokens: of a prompt, and of an answer; longer ones lose their beginning, as published.
        descriptions_per_task: the first so many of each are trained on; 0 = all.
        mix_descriptions: train on random mixtures of two descriptions of a task, not on one.
        code_noise: standard deviation of noise on codes, whose mean square is 1; what lies around a
            description's code, as unseen wordings do, then means the same task.
        code_noise_from: first step with it.
        encoder_rank: of a LoRA of the text encoder, trained with the generator; it goes on from the
            encoder's own. 0 = the encoder is frozen.
        encoder_learning_rate: peak, of that LoRA.
        description_in_prompt: put the description before the input (for rivals without codes).
        start: "conditioned" starts the trunk so that tasks and layers are told apart, and trains
            heads on whitened latents (`train/start.py`); "given" goes on from the generator as it
            is, heads on whitened latents too; "plain" as it is, optimised as published.
        recompute_weights: keep latents alone of the generated adapters, and make A and B again in
            backward; the same gradients in less memory.
        recompute_activations: keep each layer's input alone, and run the layer again in backward.
        bucket_overhead: what one more length in a batch costs, in tokens; a step's rows are sorted
            by length and padded to few lengths, so that this and padding together are least.
        seed: of everything random.
        eval_every: steps between evaluations (matched, shuffled, junk); 0 = never.
        eval_tasks: tasks of every split in one evaluation, at most.
        eval_examples: validation examples of each.
        best: "<split>_matched", by which the best generator is kept; None = of the first held-out
            split, or of "train" where there is none.
        stop_after: evaluations without a better one after which the run ends; 0 = never.
        save_every: steps between checkpoints; the last step is always saved.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int
    tasks_per_batch: int = 32
    examples_per_task: int = 2
    contrast: int = 4
    learning_rate: float = 2e-3
    trunk_learning_rate: float | None = 3e-4
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    warmup_fraction: float = 0.05
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    generated_l2: float = 1e-3
    neftune_alpha: float = 0.0
    autocast: bool = False
    max_tokens: int = 512
    descriptions_per_task: int = 0
    mix_descriptions: bool = True
    code_noise: float = 0.0
    code_noise_from: int = 0
    encoder_rank: int = 0
    encoder_learning_rate: float = 1e-3
    description_in_prompt: bool = False
    start: Literal["conditioned", "given", "plain"] = "conditioned"
    recompute_weights: bool = False
    recompute_activations: bool = False
    bucket_overhead: int = 32
    seed: int = 42
    eval_every: int = 100
    eval_tasks: int = 64
    eval_examples: int = 4
    best: str | None = None
    stop_after: int = 0
    save_every: int = 100

    def __post_init__(self) -> None:
        for name in ("steps", "tasks_per_batch", "examples_per_task", "contrast"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("save_every", "eval_tasks", "eval_examples", "max_tokens"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("eval_every", "stop_after", "bucket_overhead", "encoder_rank"):
            _check(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("code_noise", "code_noise_from"):
            _check(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("weight_decay", "generated_l2", "neftune_alpha", "descriptions_per_task"):
            _check(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("learning_rate", "encoder_learning_rate", "clip_norm"):
            _check(self, name, getattr(self, name) > 0, "positive")
        for name in ("warmup_fraction", "label_smoothing"):
            _check(self, name, 0 <= getattr(self, name) < 1, "in [0, 1)")
        allowed = ("linear", "cosine", "constant")
        starts = ("conditioned", "given", "plain")
        _check(self, "start", self.start in starts, f"one of {starts}")
        _check(self, "schedule", self.schedule in allowed, f"one of {allowed}")

    def factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over the peak."""
        return _factor(step, self.steps, self.warmup_fraction, self.schedule)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WarmStartConfig:
    """Adapters trained briefly for each task, and the generator's fit to them, before SFT.

    Args:
        steps: of every oracle; 0 = no warm start.
        examples: rows of a task in each step.
        tasks_at_once: oracles trained in one batch.
        learning_rate: of the oracles.
        fit_steps: of the whole generator, after least squares for its heads.
        fit_tasks: tasks in one of them.
        fit_learning_rate: of AdamW, falling linearly to zero.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 14
    examples: int = 2
    tasks_at_once: int = 32
    learning_rate: float = 2e-3
    fit_steps: int = 300
    fit_tasks: int = 64
    fit_learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("steps", "fit_steps"):
            _check(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("examples", "tasks_at_once", "fit_tasks"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "fit_learning_rate"):
            _check(self, name, getattr(self, name) > 0, "positive")


@dataclass(frozen=True, slots=True)
class OracleConfig:
    """An adapter of its own for every task, many of them trained in one batch.

    Args:
        steps: optimiser steps of every adapter.
        examples: rows of a task in each step.
        tasks_at_once: adapters trained in one batch.
        learning_rate: of AdamW.
        betas: of AdamW.
        weight_decay: of AdamW.
        label_smoothing: of the cross-entropy.
        seed: of the examples' order and of the common start.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 60
    examples: int = 2
    tasks_at_once: int = 32
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.8, 0.95)
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("steps", "examples", "tasks_at_once"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        _check(self, "learning_rate", self.learning_rate > 0, "positive")
        _check(self, "weight_decay", self.weight_decay >= 0, "0 or more")
        _check(self, "label_smoothing", 0 <= self.label_smoothing < 1, "in [0, 1)")
        _check(self, "betas", all(0 <= b < 1 for b in self.betas), "two numbers in [0, 1)")


@dataclass(frozen=True, slots=True)
class FitConfig:
    """Codes fitted to examples (`train/fitting.py`).

    Args:
        steps: optimiser steps.
        rows: examples of each code in one step.
        learning_rate: of Adam.
        seed: of the examples' order.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 24
    rows: int = 2
    learning_rate: float = 0.05
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("steps", "rows"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        _check(self, "learning_rate", self.learning_rate > 0, "positive")


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """A LoRA of the text encoder, fitted to descriptions alone (`train/encoder.py`).

    Args:
        steps: optimiser steps.
        tasks_per_batch: tasks of one step, two descriptions each.
        contrast: tasks of one family put side by side.
        temperature: of the contrastive loss.
        learning_rate: peak, of AdamW; rises over `warmup_fraction` of the steps, falls to zero.
        warmup_fraction: share of the steps with a rising learning rate.
        rank, alpha: of the LoRA.
        seed: of everything random.
        save_every: steps between checkpoints, where a folder is given.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int = 100
    tasks_per_batch: int = 96
    contrast: int = 24
    temperature: float = 0.05
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.1
    rank: int = 4
    alpha: float = 8.0
    seed: int = 42
    save_every: int = 20

    def __post_init__(self) -> None:
        for name in ("steps", "contrast", "rank", "save_every"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        _check(self, "tasks_per_batch", self.tasks_per_batch >= 2, "at least 2")
        for name in ("temperature", "learning_rate", "alpha"):
            _check(self, name, getattr(self, name) > 0, "positive")
        _check(self, "warmup_fraction", 0 <= self.warmup_fraction < 1, "in [0, 1)")

    def factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over the peak."""
        return _factor(step, self.steps, self.warmup_fraction, "linear")


@dataclass(frozen=True, slots=True)
class ReconConfig:
    """Reconstruction of a library of LoRAs; defaults are Text-to-LoRA's (`train_hyper_recon.py`).

    Args:
        steps: optimiser steps.
        factorized: compare A with A and B with B; else their products ΔW, which are never formed.
        delta_w_scale: factor on ΔW, whose entries are small.
        tasks_per_batch: different adapters in one step.
        descriptions_per_task: codes of each.
        learning_rate: peak, of AdamW; rises over `warmup_fraction` of the steps, falls to zero.
        warmup_fraction: share of the steps with a rising learning rate.
        weight_decay: of AdamW.
        clip_norm: largest gradient norm.
        seed: of everything random.
        eval_every: steps between evaluations (the loss under a task's own and another's
            description); 0 = never.
        save_every: steps between checkpoints; the last step is always saved.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: int
    factorized: bool = True
    delta_w_scale: float = 1e4
    tasks_per_batch: int = 4
    descriptions_per_task: int = 1
    learning_rate: float = 1e-3
    warmup_fraction: float = 0.1
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    seed: int = 42
    eval_every: int = 500
    save_every: int = 500

    def __post_init__(self) -> None:
        for name in ("steps", "tasks_per_batch", "descriptions_per_task", "save_every"):
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "clip_norm", "delta_w_scale"):
            _check(self, name, getattr(self, name) > 0, "positive")
        _check(self, "weight_decay", self.weight_decay >= 0, "0 or more")
        _check(self, "eval_every", self.eval_every >= 0, "0 or more")
        _check(self, "warmup_fraction", 0 <= self.warmup_fraction < 1, "in [0, 1)")

    def factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over the peak."""
        return _factor(step, self.steps, self.warmup_fraction, "linear")


def _factor(step: int, steps: int, warmup_fraction: float, schedule: str) -> float:
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    if schedule == "linear":
        return 1.0 - done
    return 1.0 if schedule == "constant" else 0.5 * (1.0 + math.cos(math.pi * done))


def _check(config: object, name: str, fits: bool, expected: str) -> None:
    if not fits:
        raise ConfigError(f"{name} must be {expected}, got {getattr(config, name)!r}")
