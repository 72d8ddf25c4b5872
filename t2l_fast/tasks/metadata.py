"""TaskMetadata: what a task folder of Text-to-LoRA says about its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2l_fast.errors import TaskError
from t2l_fast.tasks.rows import Row, fields_of
from t2l_fast.tasks.task import Example

FILE = "metadata.yaml"
EVAL_DESCRIPTIONS = 4
"""How many of a folder's descriptions, its last, are kept from training, as of a task file's."""


@dataclass(frozen=True, slots=True)
class TaskMetadata:
    """One folder's `metadata.yaml`.

    Fields:
        name: of the folder.
        descriptions, eval_descriptions: to train with; to measure with.
        source: what `datasets.load_dataset` is given: "path", "split" and perhaps more.
        user, system, prefill, postfill: templates with a row's fields.
        response_field: where a row's answer stands.
    """

    name: str
    descriptions: tuple[str, ...]
    eval_descriptions: tuple[str, ...]
    source: Mapping[str, Any]
    user: str
    response_field: str
    system: str = ""
    prefill: str = ""
    postfill: str = ""

    def example(self, row: Row) -> Example | None:
        """Convert a row to the example that the base model reads; None if a side is empty.

        Raises:
            TaskError: the row lacks a field that the templates name.
        """
        try:
            fields = fields_of(self.source["path"], row)
            user, system, prefill, postfill = (
                template.format(**fields)
                for template in (self.user, self.system, self.prefill, self.postfill)
            )
            answer = _text(fields[self.response_field])
        except TaskError:
            raise
        except (LookupError, AttributeError, ValueError, TypeError) as error:
            raise TaskError(
                f"a row of {self.source['path']} must fit the templates of {self.name}/{FILE}, "
                f"got fields {sorted(row)}: {type(error).__name__} {error}"
            ) from error
        if not user.strip() or not answer.strip():
            return None
        return Example(user, answer + postfill, system=system, prefill=prefill)


def read_metadata(folder: Path) -> TaskMetadata:
    """Read `metadata.yaml` of a task folder.

    Raises:
        TaskError: it is missing or damaged.
    """
    file = folder / FILE
    content = _load(file)
    texts = content.get("descriptions")
    if not isinstance(texts, list) or not texts or not all(_is_text(text) for text in texts):
        raise TaskError(f"{file}: 'descriptions' must be a list of non-empty strings")
    source = content.get("ds_kwargs")
    if not isinstance(source, dict) or not all(_is_text(source.get(k)) for k in ("path", "split")):
        raise TaskError(
            f"{file}: 'ds_kwargs' must be a mapping with 'path' and 'split', got {source!r}"
        )
    for key in ("user_prompt_template", "response_field"):
        if not _is_text(content.get(key)):
            raise TaskError(f"{file}: {key!r} must be a non-empty string, got {content.get(key)!r}")
    optional = {}
    for key in ("system_message", "assistant_prefill", "assistant_postfill"):
        optional[key] = content.get(key) or ""
        if not isinstance(optional[key], str):
            raise TaskError(f"{file}: {key!r} must be a string, got {content[key]!r}")
    few = len(texts) <= EVAL_DESCRIPTIONS
    return TaskMetadata(
        folder.name,
        tuple(texts if few else texts[:-EVAL_DESCRIPTIONS]),
        tuple(texts if few else texts[-EVAL_DESCRIPTIONS:]),
        source,
        content["user_prompt_template"],
        content["response_field"],
        *optional.values(),
    )


def _load(file: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 25 times faster, where it is built in
    try:
        content = yaml.load(file.read_text("utf-8"), loader)
    except OSError as error:
        raise TaskError(f"a task folder must hold {FILE}, got {file}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TaskError(f"{file} must be YAML in UTF-8, got {reason}") from error
    if not isinstance(content, dict):
        raise TaskError(f"{file} must hold a mapping, got {type(content).__name__}")
    return content


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(value: object) -> str:
    """An answer as the prompts ask for it: `true`, not Python's `True`."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
