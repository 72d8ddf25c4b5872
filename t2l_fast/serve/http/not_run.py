"""Parameters of OpenAI's API that are not run here: taken where they ask for nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from t2l_fast.serve.http.body import Body

Empty = Annotated[list[Any], Field(max_length=0)]


def _without_effect(bias: dict[str, float]) -> dict[str, float]:
    if any(bias.values()):
        raise ValueError("must be zero for every token")
    return bias


class TextFormat(Body):
    """The `response_format` that changes nothing."""

    type: Literal["text"]


class NotRun(Body):
    """Of both kinds of completion. A description completes "must be …"."""

    logit_bias: Annotated[dict[str, float], AfterValidator(_without_effect)] | None = Field(
        None, description="{} or zero for every token"
    )


class ChatNotRun(NotRun):
    """Of `/v1/chat/completions`."""

    audio: None = Field(None, description="null")
    function_call: Literal["none", "auto"] | None = Field(None, description='"none" or "auto"')
    functions: Empty | None = Field(None, description="[]")
    modalities: list[Literal["text"]] | None = Field(None, description='["text"]')
    moderation: None = Field(None, description="null")
    parallel_tool_calls: bool | None = Field(None, description="true or false")
    prediction: None = Field(None, description="null")
    reasoning_effort: Literal["none", "medium"] | None = Field(
        None, description='"none", or OpenAI\'s default "medium"'
    )
    response_format: TextFormat | None = Field(None, description='{"type": "text"}')
    service_tier: Literal["auto", "default"] | None = Field(None, description='"auto" or "default"')
    store: Literal[False] | None = Field(None, description="false")
    tool_choice: Literal["none", "auto"] | None = Field(None, description='"none" or "auto"')
    tools: Empty | None = Field(None, description="[]")
    verbosity: Literal["medium"] | None = Field(None, description='OpenAI\'s default "medium"')
    web_search_options: None = Field(None, description="null")


class TextNotRun(NotRun):
    """Of `/v1/completions`."""

    suffix: Literal[""] | None = Field(None, description='""')


NOT_RUN = {
    name: str(field.description)
    for kind in (ChatNotRun, TextNotRun)
    for name, field in kind.model_fields.items()
}
"""What asks for nothing, by parameter."""
NESTED = {
    "tool_calls": "null or []",
    "function_call": "null",
    "audio": "null",
    "include_obfuscation": "false",
}
"""The same of fields in messages and options."""
