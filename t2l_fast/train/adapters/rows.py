"""Rows of a job's data as pieces of text, each learned or only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from t2l_fast.errors import ConfigError, TaskError

Learn = Literal["answers", "last", "all"]
Piece = tuple[str, bool]
"""Text, and whether its tokens carry loss."""
FORMS = (("messages",), ("prompt", "completion"), ("text",))


def renamed(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Return a row with the columns that are needed under their own names.

    Raises:
        TaskError: a column is not there.
    """
    absent = [name for name in columns.values() if name not in row]
    if absent:
        raise TaskError(f"columns names {absent[0]!r}, which the row lacks: it has {sorted(row)}")
    return {**row, **{name: row[own] for name, own in columns.items()}}


def pieces_of(row: Mapping[str, Any], tokenizer: Any, learn: Learn) -> tuple[list[Piece], bool]:
    """Return the text of a row in pieces, and whether the tokenizer adds its special tokens.

    Args:
        row: with `messages`, `prompt` and `completion`, or `text`.
        tokenizer: whose chat template writes messages, special tokens included.
        learn: which pieces carry loss.

    Raises:
        TaskError: the row has another form.
        ConfigError: the tokenizer has no chat template, or one that rewrites earlier turns.
    """
    form = next((form for form in FORMS if all(row.get(n) is not None for n in form)), None)
    if form is None:
        raise TaskError(
            "a row must have messages, or prompt and completion, or text, got "
            f"{sorted(k for k, v in row.items() if v is not None)}: name them with columns, such "
            "as {prompt: question, completion: answer}"
        )
    if form == ("text",):
        return [(_text(row, "text"), True)], True
    if form == ("messages",):
        return _conversation(_turns(row, "messages"), tokenizer, learn, since=0), False
    if isinstance(row["prompt"], str) and isinstance(row["completion"], str):
        prompt, completion = _text(row, "prompt", empty=True), _text(row, "completion")
        return [(prompt, learn == "all"), (completion, True)], True
    questions, answers = _turns(row, "prompt"), _turns(row, "completion")
    return _conversation([*questions, *answers], tokenizer, learn, since=len(questions)), False


def _conversation(
    turns: Sequence[Mapping[str, Any]], tokenizer: Any, learn: Learn, *, since: int
) -> list[Piece]:
    """Cut a conversation, as the chat template writes it, at the answers that are learned.

    Args:
        since: answers of earlier turns are only read.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ConfigError(
            "messages need a tokenizer with a chat template, got none: name an instruction-tuned "
            "base model, or give prompt and completion as text"
        )
    whole = _written(tokenizer, turns)
    if learn == "all":
        return [(whole, True)]
    answers = [i for i, t in enumerate(turns) if t["role"] == "assistant" and i >= since]
    if not answers:
        raise TaskError("messages must have an assistant turn to learn from, got none")
    pieces: list[Piece] = []
    written = 0
    for index in answers[-1:] if learn == "last" else answers:
        before = _written(tokenizer, turns[:index], asks=True)
        after = whole if index == len(turns) - 1 else _written(tokenizer, turns[: index + 1])
        if not (after.startswith(before) and whole.startswith(after) and len(before) >= written):
            raise ConfigError(
                "the chat template writes earlier turns another way once others follow, so that "
                f"the answer of turn {index + 1} has no fixed place: "
                + ("set learn: all" if learn == "last" else "set learn: last")
            )
        pieces += [(whole[written : len(before)], False), (whole[len(before) : len(after)], True)]
        written = len(after)
    return [*pieces, (whole[written:], False)]


def _written(tokenizer: Any, turns: Sequence[Mapping[str, Any]], *, asks: bool = False) -> str:
    from jinja2.exceptions import TemplateError

    try:
        return tokenizer.apply_chat_template(
            [dict(turn) for turn in turns], tokenize=False, add_generation_prompt=asks
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise TaskError(f"the chat template refuses the messages: {error}") from error


def _turns(row: Mapping[str, Any], column: str) -> list[Mapping[str, Any]]:
    turns = row[column]
    if isinstance(turns, str) or not isinstance(turns, Sequence) or not turns:
        raise TaskError(f"{column} must be a list of messages, got {type(turns).__name__}")
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, Mapping) or not {"role", "content"} <= turn.keys():
            raise TaskError(f"{column}, message {number} must be an object with role and content")
    return list(turns)


def _text(row: Mapping[str, Any], column: str, *, empty: bool = False) -> str:
    text = row[column]
    if not isinstance(text, str) or not (text or empty):
        what = "an empty one" if text == "" else type(text).__name__
        raise TaskError(f"{column} must be a text, got {what}")
    return text
