"""Render: answers in the shapes of OpenAI's API."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from t2l_fast.serve.prompts import Prompter
from t2l_fast.serve.request import Chunk, Completion
from t2l_fast.serve.sampling import TokenLogprob

Json = dict[str, Any]


def usage(prompt: int, generated: int) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }


class ChatRender:
    """`/v1/chat/completions`.

    Args:
        model: as it was asked for.
        prompter: gives tokens as text.
        trim: leave out white space in front of an answer.
    """

    def __init__(self, model: str, prompter: Prompter, *, trim: bool = False) -> None:
        self._head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time())}
        self._model, self._prompter, self._trim = model, prompter, trim
        self._begun: set[int] = set()

    def whole(self, answers: Sequence[Completion], prompt: int) -> Json:
        choices = [
            {
                "index": i,
                "message": {"role": "assistant", "content": self._text(i, a), "refusal": None},
                "logprobs": self._logprobs(a),
                "finish_reason": a.finish,
            }
            for i, a in enumerate(answers)
        ]
        counted = usage(prompt, sum(len(a.tokens) for a in answers))
        return self._object("chat.completion", choices) | {"usage": counted}

    def opening(self, count: int) -> list[Json]:
        """What a stream begins with: whose turn it is."""
        delta = {"role": "assistant", "content": ""}
        return [self._piece(i, delta, None, None) for i in range(count)]

    def piece(self, index: int, chunk: Chunk) -> Json:
        text = self._text(index, chunk)
        delta = {"content": text} if text else {}
        return self._piece(index, delta, self._logprobs(chunk), chunk.finish)

    def closing(self, prompt: int, generated: int) -> Json:
        return self._object("chat.completion.chunk", []) | {"usage": usage(prompt, generated)}

    def _text(self, index: int, answer: Completion | Chunk) -> str:
        if not self._trim or index in self._begun:
            return answer.text
        text = answer.text.lstrip()
        if text:
            self._begun.add(index)
        return text

    def _piece(self, index: int, delta: Json, logprobs: Json | None, finish: str | None) -> Json:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._object("chat.completion.chunk", [choice])

    def _object(self, kind: str, choices: list[Json]) -> Json:
        return self._head | {"object": kind, "model": self._model, "choices": choices}

    def _logprobs(self, answer: Completion | Chunk) -> Json | None:
        if not answer.logprobs:
            return None
        pairs = zip(answer.tokens, answer.logprobs, strict=True)
        return {"content": [self._token(t, p) for t, p in pairs], "refusal": None}

    def _token(self, token: int, found: TokenLogprob) -> Json:
        return self._named(token, found.logprob) | {
            "top_logprobs": [self._named(t, p) for t, p in found.top]
        }

    def _named(self, token: int, logprob: float) -> Json:
        text = self._prompter.token_text(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


class TextRender:
    """`/v1/completions`."""

    def __init__(self, model: str, prompter: Prompter) -> None:
        self._head = {"id": f"cmpl-{uuid.uuid4().hex}", "created": int(time.time())}
        self._model, self._prompter = model, prompter
        self._offsets: dict[int, int] = {}

    def whole(self, answers: Sequence[Completion], prompt: int) -> Json:
        choices = [self._choice(i, a, a.finish) for i, a in enumerate(answers)]
        counted = usage(prompt, sum(len(a.tokens) for a in answers))
        return self._object(choices) | {"usage": counted}

    def opening(self, count: int) -> list[Json]:
        return []

    def piece(self, index: int, chunk: Chunk) -> Json:
        return self._object([self._choice(index, chunk, chunk.finish)])

    def closing(self, prompt: int, generated: int) -> Json:
        return self._object([]) | {"usage": usage(prompt, generated)}

    def _choice(self, index: int, answer: Completion | Chunk, finish: str | None) -> Json:
        logprobs = self._logprobs(index, answer)
        return {"index": index, "text": answer.text, "logprobs": logprobs, "finish_reason": finish}

    def _object(self, choices: list[Json]) -> Json:
        return self._head | {"object": "text_completion", "model": self._model, "choices": choices}

    def _logprobs(self, index: int, answer: Completion | Chunk) -> Json | None:
        if not answer.logprobs:
            return None
        tokens = [self._prompter.token_text(t) for t in answer.tokens]
        offsets = []
        for text in tokens:
            offsets.append(self._offsets.get(index, 0))
            self._offsets[index] = offsets[-1] + len(text)
        return {
            "tokens": tokens,
            "token_logprobs": [p.logprob for p in answer.logprobs],
            "top_logprobs": [
                {self._prompter.token_text(t): v for t, v in p.top} for p in answer.logprobs
            ],
            "text_offset": offsets,
        }
