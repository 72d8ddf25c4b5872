"""Messages of a conversation, those of other servers and of OpenAI's SDK among them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Tag

from t2l_fast.serve.http.body import Body, Plain
from t2l_fast.serve.http.not_run import Empty


class Part(Body):
    """A piece of text. Its further fields, as marks for a prompt cache, are ignored."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["text"]
    text: Plain


class Refusal(Body):
    """A piece of an assistant's message that says why it does not answer."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["refusal"]
    refusal: Plain


def _content(value: Any) -> Any:
    """Check the shape by hand: of a union's errors none says what is right."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError("must be a text, or a list of parts of the type text")
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "refusal") or not isinstance(part.get(kind), str):
            raise ValueError(
                'must have parts {"type": "text", "text": …} alone, as this server reads nothing '
                "else: leave other parts out"
            )
    return value


def _role(value: Any) -> Any:
    if value in ("tool", "function"):
        raise ValueError("must be system, developer, user or assistant: tools are not run here")
    if value not in ("system", "developer", "user"):
        raise ValueError("must be system, developer, user or assistant")
    return value


Content = Annotated[Plain | list[Part | Refusal], BeforeValidator(_content)]


class Message(Body):
    """A message that was written for the model. A name is taken and ignored."""

    role: Annotated[Literal["system", "developer", "user"], BeforeValidator(_role)]
    content: Content
    name: Plain | None = None

    def plain(self) -> dict[str, str]:
        """Return role and content as chat templates take them."""
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": _joined(self.content)}


class Answered(Body):
    """An answer that was given before: its further fields are annotations, and ignored.

    Calls of tools are no annotations, and refused.
    """

    model_config = ConfigDict(extra="ignore")
    role: Literal["assistant"]
    content: Content = ""
    refusal: Plain | None = None
    tool_calls: Empty | None = None
    function_call: None = None
    audio: None = None

    def plain(self) -> dict[str, str]:
        """Return role and content as chat templates take them."""
        return {"role": self.role, "content": _joined(self.content) or self.refusal or ""}


def _joined(content: str | list[Part | Refusal]) -> str:
    if isinstance(content, str):
        return content
    return "".join(p.text if isinstance(p, Part) else p.refusal for p in content)


def _kind(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return "answered" if role == "assistant" else "message"


ChatMessage = Annotated[
    Annotated[Message, Tag("message")] | Annotated[Answered, Tag("answered")], Discriminator(_kind)
]
