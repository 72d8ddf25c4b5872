"""fields_of: a data set's row as the prompt templates of Text-to-LoRA name its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from t2l_fast.tasks.sni import is_sni, sni_fields

Row = Mapping[str, Any]
_CHOICES = 4


def fields_of(path: str, row: Row) -> Row:
    """Return the row with the fields that its data set's templates need.

    Args:
        path: of the data set, as `datasets.load_dataset` takes it.

    Raises:
        TaskError: the row is of another form.
    """
    if is_sni(path):
        return {**row, **sni_fields(row)}
    prepare = _PREPARED.get(path)
    return row if prepare is None else prepare(row)


def _four_choices(row: Row) -> Row:
    """Three choices get a fourth, which is never right."""
    texts, labels = (list(row["choices"][key]) for key in ("text", "label"))
    for count in range(len(texts), _CHOICES):
        texts.append("N/A")
        labels.append(str(count + 1) if labels[0].isdigit() else "ABCD"[count])
    return {**row, "choices": {"text": texts, "label": labels}}


def _assertions(row: Row) -> Row:
    return {**row, "assertions": "\n".join(row["test_list"])}


_PREPARED: dict[str, Callable[[Row], Row]] = {
    "allenai/ai2_arc": _four_choices,
    "google-research-datasets/mbpp": _assertions,
}
