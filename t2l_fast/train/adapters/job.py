"""Job: one adapter to train, its data and how it is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Interval

from t2l_fast.bounds import check_bounds
from t2l_fast.config import LoraConfig
from t2l_fast.errors import ConfigError
from t2l_fast.train.run.config import schedule_factor

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A file, a folder or a name on the hub; a mapping of `load_dataset`'s arguments; or rows."""


@dataclass(frozen=True)
class Job:
    """One adapter to train, its data and how it is trained.

    Args:
        name: of the adapter and of its folder: letters, digits, ".", "_" and "-".
        data: a .jsonl, .json or .parquet file, a folder, or a name that `datasets` loads. A mapping
            has `path` and perhaps `name` and `split`. Rows themselves are taken, too. A row has
            `messages`, or `prompt` and `completion`, or `text`.
        lora: rank, scale, targets and dropout.
        columns: a column that is needed → its name in the data.
        held_out: what is measured on and never trained on: a share of the rows, or data of its
            own. 0 = nothing.
        learn: the tokens that carry loss: "answers" of every assistant turn, the "last" answer, or
            "all".
        max_length: tokens of a row; longer ones lose their end.
        batch: rows in one step.
        epochs: passes over the rows.
        max_steps: steps instead of epochs.
        learning_rate: peak, of AdamW.
        schedule: what follows the warm-up: "linear" or "cosine" to zero, or "constant".
        warmup_fraction: share of the steps with a rising learning rate.
        weight_decay: of AdamW.
        betas: of AdamW.
        clip_norm: largest gradient norm of this adapter; None = no limit.
        eval_every: steps between measurements on what is held out; 0 = after each epoch.
        patience: measurements without a better one after which the job ends; 0 = never.
        seed: of the initial weights, of the rows' order and of what is held out.

    Raises:
        ConfigError: a value is out of its range, or stopping early has nothing to go by.
    """

    name: str
    data: Source
    lora: LoraConfig
    columns: Mapping[str, str] = field(default_factory=dict)
    held_out: float | Source = 0.0
    learn: Literal["answers", "last", "all"] = "answers"
    max_length: Annotated[int, Ge(2)] = 1024
    batch: Annotated[int, Ge(1)] = 8
    epochs: Annotated[int, Ge(1)] = 1
    max_steps: Annotated[int, Ge(1)] | None = None
    learning_rate: Annotated[float, Gt(0)] = 2e-4
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.03
    weight_decay: Annotated[float, Ge(0)] = 0.0
    betas: Annotated[tuple[float, float], Interval(ge=0, lt=1)] = (0.9, 0.999)
    clip_norm: Annotated[float, Gt(0)] | None = 1.0
    eval_every: Annotated[int, Ge(0)] = 0
    patience: Annotated[int, Ge(0)] = 0
    seed: int = 42

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                "a job's name must begin with a letter or digit and have up to 128 letters, "
                f"digits, '.', '_' or '-', got {self.name!r}"
            )
        try:
            check_bounds(self)
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"job {self.name!r}: {error}") from None
        if self.share is not None and not 0 <= self.share < 1:
            raise ConfigError(
                f"job {self.name!r}: held_out must be a share in [0, 1) or data, got {self.share}"
            )
        if self.patience and not self.measures:
            raise ConfigError(
                f"job {self.name!r}: patience={self.patience} needs held-out rows to go by, got "
                "none: set held_out to a share such as 0.1"
            )

    @property
    def share(self) -> float | None:
        """The share of rows that are held out; None where they are data of their own."""
        return float(self.held_out) if isinstance(self.held_out, (int, float)) else None

    @property
    def measures(self) -> bool:
        """Whether anything is held out."""
        return self.share is None or self.share > 0

    def factor(self, step: int, steps: int) -> float:
        """Return the learning rate of a step (from 0) over the peak."""
        return schedule_factor(step, steps, self.warmup_fraction, self.schedule)

    def settings(self) -> dict[str, Any]:
        """Return what a resumed job must agree with, as plain data; not the data's place."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in ("name", "data", "held_out", "columns"):
            del values[name]
        return values | {"lora": asdict(self.lora), "betas": list(self.betas)}
