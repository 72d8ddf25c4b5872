"""Options of supervised fine-tuning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from t2l_fast.bounds import check_bounds
from t2l_fast.train.run.config import chosen_measure, schedule_factor


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
        code_noise: standard deviation of noise on codes, whose mean square is 1. What lies around a
            description's code, as unseen wordings do, then means the same task.
        code_noise_from: first step with it.
        encoder_rank: of a LoRA of the text encoder, trained with the generator; it goes on from the
            encoder's own. 0 = the encoder is frozen.
        encoder_learning_rate: peak, of that LoRA.
        description_in_prompt: put the description before the input (for rivals without codes).
        start: "conditioned" starts the trunk so that tasks and layers differ, and trains heads on
            whitened latents (`train/sft/optimizer.py`). "given" goes on from the generator as it
            is, heads on whitened latents too. "plain" is as it is, optimised as published.
        recompute_weights: keep latents alone of the generated adapters, and make A and B again in
            backward; the same gradients in less memory.
        recompute_activations: keep each layer's input alone, and run the layer again in backward.
        bucket_overhead: what one more length in a batch costs, in tokens. A step's rows are sorted
            by length and padded to few lengths, so that this and padding together are least.
        seed: of everything random.
        eval_every: steps between evaluations (matched, shuffled, junk); 0 = never.
        eval_tasks: tasks of every split in one evaluation, at most.
        eval_examples: validation examples of each.
        best: "SPLIT_matched", by which the best generator is kept; None = of the first held-out
            split, or of "train" where there is none.
        stop_after: evaluations without a better one after which the run ends; 0 = never.
        save_every: steps between checkpoints; the last step is always saved.

    Raises:
        ConfigError: a value is out of its range.
    """

    steps: Annotated[int, Ge(1)] = 1500
    tasks_per_batch: Annotated[int, Ge(1)] = 32
    examples_per_task: Annotated[int, Ge(1)] = 2
    contrast: Annotated[int, Ge(1)] = 4
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    trunk_learning_rate: float | None = 3e-4
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    warmup_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Ge(0)] = 0.01
    clip_norm: Annotated[float, Gt(0)] = 1.0
    label_smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    generated_l2: Annotated[float, Ge(0)] = 1e-3
    neftune_alpha: Annotated[float, Ge(0)] = 0.0
    autocast: bool = False
    max_tokens: Annotated[int, Ge(1)] = 512
    descriptions_per_task: Annotated[int, Ge(0)] = 0
    mix_descriptions: bool = True
    code_noise: Annotated[float, Ge(0)] = 0.0
    code_noise_from: Annotated[int, Ge(0)] = 0
    encoder_rank: Annotated[int, Ge(0)] = 0
    encoder_learning_rate: Annotated[float, Gt(0)] = 1e-3
    description_in_prompt: bool = False
    start: Literal["conditioned", "given", "plain"] = "conditioned"
    recompute_weights: bool = False
    recompute_activations: bool = False
    bucket_overhead: Annotated[int, Ge(0)] = 32
    seed: int = 42
    eval_every: Annotated[int, Ge(0)] = 100
    eval_tasks: Annotated[int, Ge(1)] = 64
    eval_examples: Annotated[int, Ge(1)] = 4
    best: str | None = None
    stop_after: Annotated[int, Ge(0)] = 0
    save_every: Annotated[int, Ge(1)] = 100

    def __post_init__(self) -> None:
        check_bounds(self)

    def factor(self, step: int) -> float:
        """Return the learning rate of a step (from 0) over the peak."""
        return schedule_factor(step, self.steps, self.warmup_fraction, self.schedule)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def fixed(self) -> dict[str, Any]:
        """Return the options that a resumed run may not change.

        The others give the same run in less memory, or one that is shorter or longer.
        """
        free = ("recompute_weights", "recompute_activations", "stop_after")
        return {name: value for name, value in asdict(self).items() if name not in free}

    def measure_of(self, splits: Iterable[str]) -> str | None:
        """Return what decides which generator is best; None where nothing is evaluated.

        It is `best`, else matched accuracy on the first held-out split.

        Args:
            splits: that are evaluated; "train" decides only where there is no other.

        Raises:
            ConfigError: the measure is none of the run's, or stopping early has nothing to go by.
        """
        evaluates = self.eval_every > 0
        return chosen_measure(self.best, splits, evaluates=evaluates, patience=self.stop_after)


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

    steps: Annotated[int, Ge(0)] = 14
    examples: Annotated[int, Ge(1)] = 2
    tasks_at_once: Annotated[int, Ge(1)] = 32
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    fit_steps: Annotated[int, Ge(0)] = 300
    fit_tasks: Annotated[int, Ge(1)] = 64
    fit_learning_rate: Annotated[float, Gt(0)] = 1e-3

    def __post_init__(self) -> None:
        check_bounds(self)
