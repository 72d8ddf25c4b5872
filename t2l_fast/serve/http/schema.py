"""What the server reads: OpenAI's requests, as far as they are served, and those for adapters."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from t2l_fast.serve.engine.sampling import MAX_LOGPROBS, MAX_STOP_CHARS, MAX_STOPS, SamplingParams
from t2l_fast.serve.http.body import Body, Count, Plain, Text
from t2l_fast.serve.http.messages import ChatMessage
from t2l_fast.serve.http.not_run import ChatNotRun, NotRun, TextNotRun


def _stops(value: Any) -> Any:
    """Check the shape by hand: of a union's errors none says what is right."""
    strings = [value] if isinstance(value, str) else value
    fits = isinstance(strings, list) and len(strings) <= MAX_STOPS
    if not (fits and all(isinstance(s, str) and 0 < len(s) <= MAX_STOP_CHARS for s in strings)):
        raise ValueError(
            f"must be a string, or a list of up to {MAX_STOPS}, of 1 to {MAX_STOP_CHARS} "
            "characters each"
        )
    return value


def _prompt(value: Any) -> Any:
    """Check the shape by hand, as `_stops`."""
    if isinstance(value, str):
        return value
    several = isinstance(value, list) and value and not _is_ids(value)
    if not (several and all(isinstance(p, str) or _is_ids(p) for p in value)) and not _is_ids(
        value
    ):
        raise ValueError("must be a text, a list of token ids, or a list of texts or of such lists")
    return value


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(t) is int for t in value)


def _count_of_tokens(value: Any) -> Any:
    if isinstance(value, bool):  # as chat has it
        if value:
            raise ValueError(f"must be a number of tokens from 0 to {MAX_LOGPROBS}")
        return None
    return value


Stops = Annotated[Plain | list[Plain], BeforeValidator(_stops)]
StopTokens = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(max_length=MAX_STOPS)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Penalty = Annotated[float, Field(ge=-2.0, le=2.0)]
Logprobs = Annotated[int, Field(ge=0, le=MAX_LOGPROBS)]
Prompt = Annotated[Plain | list[int] | list[Plain | list[int]], BeforeValidator(_prompt)]


class StreamOptions(Body):
    """How events come. Obfuscation is not run."""

    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class Sampled(NotRun):
    """What both kinds of completion share.

    `top_k`, `min_p`, `stop_token_ids`, `ignore_eos` and `return_token_ids` are not OpenAI's.
    `user`, `metadata`, `safety_identifier` and `prompt_cache_…` change no answer, and are ignored.
    """

    model: Text
    temperature: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    top_k: Annotated[int, Field(ge=0, lt=2**31)] = 0
    min_p: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    n: Annotated[int, Field(ge=1)] = 1
    seed: Seed | None = None
    stop: Stops | None = None
    stop_token_ids: StopTokens | None = None
    presence_penalty: Penalty = 0.0
    frequency_penalty: Penalty = 0.0
    ignore_eos: bool = False
    return_token_ids: bool = False
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: Plain | None = None
    metadata: dict[str, Any] | None = None
    safety_identifier: Plain | None = None
    prompt_cache_key: Plain | None = None
    prompt_cache_retention: Plain | None = None
    prompt_cache_options: dict[str, Any] | None = None

    def params(self, index: int, max_tokens: int, logprobs: int | None) -> SamplingParams:
        """Return how choice number `index` is answered; a seed gives each its own draws."""
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


class ChatRequest(Sampled, ChatNotRun):
    """`/v1/chat/completions`."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    logprobs: bool = False
    top_logprobs: Logprobs | None = None


class CompletionRequest(Sampled, TextNotRun):
    """`/v1/completions`. Without a prompt, a text from its beginning."""

    null_is: ClassVar[dict[str, Any]] = {"prompt": ""}
    prompt: Prompt
    max_tokens: Annotated[int, Field(ge=0, lt=2**31)] = 16
    logprobs: Annotated[Logprobs | None, BeforeValidator(_count_of_tokens)] = None
    echo: bool = False
    best_of: Count | None = None

    @property
    def prompts(self) -> list[str | list[int]]:
        """What is to be continued, one by one."""
        prompt = self.prompt
        if isinstance(prompt, str):
            return [prompt]
        alone = [t for t in prompt if isinstance(t, int)]
        return [alone] if alone else [p for p in prompt if not isinstance(p, int)]


class DescribedAdapter(Body):
    """The description of one adapter."""

    text: Text


class AdapterRequest(Body):
    """Descriptions to register, and names for them."""

    texts: Annotated[list[Text], Field(min_length=1)]
    names: list[Plain] | None = None
