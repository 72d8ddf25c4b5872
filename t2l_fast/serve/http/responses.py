"""What the server answers: OpenAI's shapes, and those of adapters.

Fields stand in the order in which they go over the wire. What was not set is left out.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class Answer(BaseModel):
    """Base of all answers."""

    def plain(self) -> dict[str, Any]:
        """Return data for JSON, without what was not set."""
        return self.model_dump(exclude_unset=True)


class Usage(Answer):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class NamedToken(Answer):
    """A token as text, the natural logarithm of its probability, and its UTF-8 bytes."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenToken(NamedToken):
    top_logprobs: list[NamedToken]


class ChatLogprobs(Answer):
    content: list[ChosenToken]
    refusal: None


class Message(Answer):
    role: Literal["assistant"]
    content: str
    refusal: None


class Delta(Answer):
    role: Literal["assistant"] | None = None
    content: str | None = None


class Choice(Answer):
    index: int
    finish_reason: Literal["stop", "length"] | None


class ChatChoice(Choice):
    message: Message
    logprobs: ChatLogprobs | None
    token_ids: list[int] | None = None


class ChatChunkChoice(Choice):
    delta: Delta
    logprobs: ChatLogprobs | None
    token_ids: list[int] | None = None


class TextLogprobs(Answer):
    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(Choice):
    text: str
    logprobs: TextLogprobs | None
    token_ids: list[int] | None = None


class Head(Answer):
    id: str
    created: int
    model: str


class ChatCompletion(Head):
    object: Literal["chat.completion"] = "chat.completion"
    choices: list[ChatChoice]
    usage: Usage


class ChatCompletionChunk(Head):
    """One event of a stream; `usage` only in the last one, where it was asked for."""

    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    choices: list[ChatChunkChoice]
    usage: Usage | None = None


class TextCompletion(Head):
    """A whole answer, or one event of a stream."""

    object: Literal["text_completion"] = "text_completion"
    choices: list[TextChoice]
    usage: Usage | None = None


class Model(Answer):
    """The base model, or an adapter over it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["t2l_fast"] = "t2l_fast"
    parent: str | None


class ModelList(Answer):
    object: Literal["list"] = "list"
    data: list[Model]
    has_more: bool


class Adapter(Answer):
    id: str
    object: Literal["adapter"] = "adapter"
    kind: Literal["generated", "trained"]


class AdapterList(Answer):
    object: Literal["list"] = "list"
    data: list[Adapter]


class AdapterPage(AdapterList):
    has_more: bool
    total: int


class DeletedAdapter(Answer):
    id: str
    object: Literal["adapter"] = "adapter"
    deleted: Literal[True] = True


class ErrorDetail(Answer):
    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str | None


class Error(Answer):
    """What every failure looks like."""

    error: ErrorDetail


class Health(Answer):
    """Whether requests are taken; `reason` says what ended a failed engine."""

    status: Literal["ok", "closing", "failed"]
    reason: str | None = None
