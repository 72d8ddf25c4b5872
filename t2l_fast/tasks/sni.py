"""Super-NaturalInstructions as the hub's `Lots-of-LoRAs/taskNNN_*` sets hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from t2l_fast.errors import TaskError

_SET = re.compile(r"(?:^|/)task\d+_([^_/]+)")


def is_sni(path: str) -> bool:
    """Return whether a path names one of these data sets: "Lots-of-LoRAs/task1711_poki_…"."""
    return _SET.search(path) is not None


def source_of(path: str) -> str:
    """Return a set's source: "poki" of "Lots-of-LoRAs/task1711_poki_text_generation"."""
    match = _SET.search(path)
    assert match is not None
    return match[1]


def sni_fields(row: Mapping[str, Any]) -> dict[str, str]:
    """Split a row's input into Text-to-LoRA's prompt fields: definition and problem.

    The published code cuts a problem that holds "Input: " or a line "Output:" there; here it is
    kept whole. The sentence that asks for several answers is worded otherwise.

    Args:
        row: "input", one text, and "output", the accepted answers.

    Returns:
        "task_def", "problem" and "answer" (all answers, comma-separated).

    Raises:
        TaskError: the input is of another form.
    """
    text, outputs = row.get("input"), row.get("output")
    if not isinstance(text, str) or not isinstance(outputs, (list, tuple)):
        raise TaskError(
            "a row of Super-NaturalInstructions must have a text 'input' and a list 'output', got "
            f"{ {name: type(value).__name__ for name, value in row.items()} }"
        )
    definition = _between(text, "Definition: ", "\n\nPositive Example")
    query = _between(text, "Now complete the following example -", None)
    problem = _between(query, "Input: ", None).rstrip().removesuffix("Output:").removesuffix("\n")
    definition = f"{definition} Please complete the task without any explanation."
    if len(outputs) > 1:
        definition += "\nGive all possible answers, separated by commas."
    return {"task_def": definition, "problem": problem, "answer": ", ".join(map(str, outputs))}


def _between(text: str, start: str, end: str | None) -> str:
    _, separator, rest = text.partition(start)
    if not separator:
        raise TaskError(f"an input of Super-NaturalInstructions must hold {start!r}, got none")
    return rest if end is None else rest.partition(end)[0]
