"""Origin: which base model and task an adapter was trained for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """What `AutoPeftModel` and resolvers of servers look an adapter's base model up by.

    Fields:
        base_model: `base_model_name_or_path` of PEFT.
        revision: of the base model.
        task_type: such as "CAUSAL_LM".
        auto_mapping: class and library of the base model, where there is no task type.
    """

    base_model: str | None = None
    revision: str | None = None
    task_type: str | None = None
    auto_mapping: Mapping[str, str | int] | None = None
