"""What is wrong with a request, in one sentence: the field, what it must be, what came."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from t2l_fast.serve.http.not_run import NESTED, NOT_RUN

Parsed = TypeVar("Parsed", bound=BaseModel)
_SHOWN = 40
"""Characters of a value that came."""


def parsed(kind: type[Parsed], content: bytes) -> Parsed:
    """Read a body by hand, where a route takes several kinds.

    Raises:
        RequestValidationError: it is not of this kind.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        errors = [{**e, "loc": ("body", *e["loc"])} for e in error.errors()]
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    raise RequestValidationError(errors, body=body)


def sentence(errors: Sequence[Any], body: Any) -> tuple[str, str | None]:
    """Return a message, and the parameter that it is about.

    Args:
        errors: of pydantic, the first of which counts.
        body: what was sent, as JSON.
    """
    error = errors[0]
    kind, came = error["type"], _shown(error.get("input", ...))
    if kind == "json_invalid":
        return f"the body must be JSON, got {error['ctx']['error']}: mend it", None
    path = _path(error["loc"], body, missing=kind == "missing")
    if not path:
        return "the body must be a JSON object, sent as application/json", None
    field = ".".join(map(str, path))
    parameter = next(str(p) for p in path)
    if kind == "missing":
        return f"{field} is needed, got nothing: send it", parameter
    if kind == "extra_forbidden":
        return f"{field} is not known here: leave it out", parameter
    nested = NESTED.get(str(path[-1])) if len(path) > 1 else None
    if nested or parameter in NOT_RUN:
        field, fitting = (field, nested) if nested else (parameter, NOT_RUN[parameter])
        return f"{field} must be {fitting}, as it is not run here: leave it out", parameter
    fault = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    fault = re.sub(r"a valid dictionary or (instance of \w+|object .*)", "a JSON object", fault)
    return f"{field}{' ' if fault.startswith('must') else ': '}{fault}{came}", parameter


def _path(loc: Sequence[Any], body: Any, *, missing: bool) -> list[str | int]:
    """Return the names and indices of what was sent, without pydantic's own words in between."""
    if loc[0] != "body":
        return list(loc[1:])
    path: list[str | int] = []
    value = body
    for number, part in enumerate(loc[1:], 2):
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int))
        if inside and not (isinstance(value, list) and part >= len(value)):
            path.append(part)
            value = value[part]
        elif missing and number == len(loc):
            path.append(part)
    return path


def _shown(value: Any) -> str:
    """Return what came, where it is short."""
    if value is None or isinstance(value, bool):
        return f", got {str(value).lower().replace('none', 'null')}"
    if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _SHOWN):
        text = str(value) if not isinstance(value, str) else f'"{value}"'
        return f", got {text}" if len(text) <= _SHOWN + 2 else ""
    named = {str: "a longer text", dict: "an object"}
    return f", got {named[type(value)]}" if type(value) in named else ""
