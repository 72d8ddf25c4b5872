"""Bounds of a config's fields, written beside their types and checked in one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Interval, Le, Lt

from t2l_fast.errors import ConfigError, listed


def check_bounds(config: Any) -> None:
    """Check every field of a dataclass against the bounds and choices in its annotation.

    A field is written as `steps: Annotated[int, Ge(1)]` or `schedule: Literal["linear", "cosine"]`.
    None passes.

    Raises:
        ConfigError: a value is out of its range, or none of its choices.
    """
    hints = get_type_hints(type(config), include_extras=True)
    for field in fields(config):
        value = getattr(config, field.name)
        if value is None:
            continue
        limits, choices = bounds_of(hints[field.name]), choices_of(hints[field.name])
        if choices and value not in choices:
            raise ConfigError(f"{field.name} must be one of {listed(choices)}, got {value!r}")
        if not all(_holds(limit, value) for limit in limits):
            raise ConfigError(f"{field.name} must be {described(limits)}, got {value!r}")


def bounds_of(hint: Any) -> tuple[Ge | Gt | Le | Lt, ...]:
    """Return the limits in an annotation, `Annotated[int, Ge(1)] | None` included."""
    limits: list[Ge | Gt | Le | Lt] = []
    for part in _annotated(hint):
        for mark in part.__metadata__:
            for limit in mark if isinstance(mark, Interval) else (mark,):
                if isinstance(limit, Ge | Gt | Le | Lt):
                    limits.append(limit)
    return tuple(limits)


def choices_of(hint: Any) -> tuple[Any, ...]:
    """Return the values of a Literal in an annotation; empty where there is none."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    return next((choices for part in get_args(hint) if (choices := choices_of(part))), ())


def described(limits: tuple[Ge | Gt | Le | Lt, ...]) -> str:
    """Return limits in words: "at least 1", "positive", "in [0, 1)"."""
    lower = next((limit for limit in limits if isinstance(limit, Ge | Gt)), None)
    upper = next((limit for limit in limits if isinstance(limit, Le | Lt)), None)
    if lower is not None and upper is not None:
        low = f"[{lower.ge}" if isinstance(lower, Ge) else f"({lower.gt}"
        high = f"{upper.le}]" if isinstance(upper, Le) else f"{upper.lt})"
        return f"in {low}, {high}"
    if isinstance(lower, Gt):
        return "positive" if lower.gt == 0 else f"above {lower.gt}"
    if isinstance(lower, Ge):
        return "0 or more" if lower.ge == 0 else f"at least {lower.ge}"
    if isinstance(upper, Lt):
        return f"below {upper.lt}"
    return f"at most {upper.le}" if isinstance(upper, Le) else "anything"


def _annotated(hint: Any) -> Iterator[Any]:
    if get_origin(hint) is Annotated:
        yield hint
    for part in get_args(hint) if get_origin(hint) is not Literal else ():
        yield from _annotated(part)


def _holds(limit: Any, value: Any) -> bool:
    """Whether a number, or each of a tuple's, keeps a limit; NaN keeps none."""
    if isinstance(value, tuple):
        return all(_holds(limit, part) for part in value)
    if isinstance(limit, Ge):
        return value >= limit.ge
    if isinstance(limit, Gt):
        return value > limit.gt
    return value <= limit.le if isinstance(limit, Le) else value < limit.lt
