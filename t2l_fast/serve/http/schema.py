"""What the server reads: OpenAI's requests, as far as they are served, and those for adapters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from t2l_fast.serve.engine.sampling import MAX_LOGPROBS, MAX_STOP_CHARS, MAX_STOPS, SamplingParams


def _whole(text: str) -> str:
    """Refuse half a surrogate pair, which JSON can write and UTF-8 can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be Unicode text, without lone surrogates") from None
    return text


Plain = Annotated[str, AfterValidator(_whole)]
Text = Annotated[Plain, StringConstraints(min_length=1)]
Stop = Annotated[Plain, StringConstraints(min_length=1, max_length=MAX_STOP_CHARS)]
Stops = Annotated[list[Stop], Field(max_length=MAX_STOPS)]
StopTokens = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(max_length=MAX_STOPS)]
Count = Annotated[int, Field(ge=1, lt=2**31)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Penalty = Annotated[float, Field(ge=-2.0, le=2.0)]


class Body(BaseModel):
    """What is not served is refused, rather than ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class StreamOptions(Body):
    include_usage: bool = False


class Sampled(Body):
    """What both kinds of completion share.

    `top_k`, `min_p`, `stop_token_ids`, `ignore_eos` and `return_token_ids` are not OpenAI's.
    """

    model: Text
    temperature: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    top_k: Annotated[int, Field(ge=0, lt=2**31)] = 0
    min_p: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    n: Annotated[int, Field(ge=1)] = 1
    seed: Seed | None = None
    stop: Stop | Stops | None = None
    stop_token_ids: StopTokens | None = None
    presence_penalty: Penalty = 0.0
    frequency_penalty: Penalty = 0.0
    ignore_eos: bool = False
    return_token_ids: bool = False
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: Plain | None = None
    metadata: dict[str, Any] | None = None

    def params(self, index: int, max_tokens: int, logprobs: int | None) -> SamplingParams:
        """Of choice number `index`; a seed gives each choice its own draws."""
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return SamplingParams(
            max_tokens=max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            min_p=self.min_p,
            seed=None if self.seed is None else self.seed + index,
            stop=tuple(stop),
            stop_token_ids=tuple(self.stop_token_ids or ()),
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            logprobs=logprobs,
            ignore_eos=self.ignore_eos,
        )


class Part(Body):
    type: Literal["text"]
    text: Plain


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant"]
    content: Plain | list[Part]
    name: Plain | None = None

    def plain(self) -> dict[str, str]:
        content = self.content
        if not isinstance(content, str):
            content = "".join(part.text for part in content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class ChatRequest(Sampled):
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_LOGPROBS)] | None = None


class CompletionRequest(Sampled):
    prompt: Text | Annotated[list[int], Field(min_length=1)]
    max_tokens: Count = 16
    logprobs: Annotated[int, Field(ge=0, le=MAX_LOGPROBS)] | None = None


class AdapterRequest(Body):
    """Descriptions to register, and names for them."""

    texts: Annotated[list[Text], Field(min_length=1)]
    names: list[Plain] | None = None
