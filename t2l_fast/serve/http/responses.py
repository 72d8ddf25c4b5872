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
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class NamedToken(Answer):
    """A token as text, the natural logarithm of its probability, and its UTF-8 bytes."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenToken(NamedToken):
    """A token of an answer, and the likeliest ones in its place."""

    top_logprobs: list[NamedToken]


class ChatLogprobs(Answer):
    """Log probabilities of a chat's answer."""

    content: list[ChosenToken]
    refusal: None


class Message(Answer):
    """An answer as a message."""

    role: Literal["assistant"]
    content: str
    refusal: None


class Delta(Answer):
    """What a piece of a stream adds to a message."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class Choice(Answer):
    """One of a request's answers."""

    index: int
    finish_reason: Literal["stop", "length"] | None


class ChatChoice(Choice):
    """One answer of a chat."""

    message: Message
    logprobs: ChatLogprobs | None
    token_ids: list[int] | None = None


class ChatChunkChoice(Choice):
    """A piece of one answer of a chat."""

    delta: Delta
    logprobs: ChatLogprobs | None
    token_ids: list[int] | None = None


class TextLogprobs(Answer):
    """Log probabilities of a completion, token by token."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(Choice):
    """One completion."""

    text: str
    logprobs: TextLogprobs | None
    token_ids: list[int] | None = None


class Head(Answer):
    """What every answer begins with."""

    id: str
    created: int
    model: str


class ChatCompletion(Head):
    """The answers of a chat."""

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
    """The models that a key may use."""

    object: Literal["list"] = "list"
    data: list[Model]
    has_more: bool


class Adapter(Answer):
    """An adapter of the tenant."""

    id: str
    object: Literal["adapter"] = "adapter"
    kind: Literal["generated", "trained"]


class AdapterList(Answer):
    """Adapters just registered."""

    object: Literal["list"] = "list"
    data: list[Adapter]


class AdapterPage(AdapterList):
    """A page of the tenant's adapters."""

    has_more: bool
    total: int


class DeletedAdapter(Answer):
    """The adapter that was deleted."""

    id: str
    object: Literal["adapter"] = "adapter"
    deleted: Literal[True] = True


class ErrorDetail(Answer):
    """What went wrong, in OpenAI's form."""

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
