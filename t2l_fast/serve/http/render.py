"""Render: answers in the shapes of OpenAI's API."""

from __future__ import annotations

import codecs
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from t2l_fast.serve.engine.request import Chunk, Completion
from t2l_fast.serve.engine.sampling import TokenLogprob
from t2l_fast.serve.http.prompts import Prompter
from t2l_fast.serve.http.schema import Sampled

Json = dict[str, Any]


def usage(prompt: int, generated: int) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }


class Render:
    """What both kinds of answer share.

    Args:
        body: what was asked.
        prompter: gives tokens as text.
    """

    prefix: str
    """Of ids."""

    def __init__(self, body: Sampled, prompter: Prompter) -> None:
        self._head = {
            "id": f"{self.prefix}-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": body.model,
        }
        self._body, self._prompter = body, prompter

    def _choice(self, index: int, answer: Completion | Chunk, own: Json) -> Json:
        choice = {"index": index, "finish_reason": answer.finish, **own}
        if self._body.return_token_ids:
            choice["token_ids"] = list(answer.tokens)
        return choice


class ChatRender(Render):
    """`/v1/chat/completions`.

    Args:
        trim: leave out white space in front of an answer.
    """

    prefix = "chatcmpl"

    def __init__(self, body: Sampled, prompter: Prompter, *, trim: bool = False) -> None:
        super().__init__(body, prompter)
        self._trim = trim
        self._begun: set[int] = set()
        self._first: dict[int, int] = {}

    def whole(self, answers: Sequence[Completion], prompt: int) -> Json:
        choices = []
        for i, a in enumerate(answers):
            message = {"role": "assistant", "content": self._text(i, a), "refusal": None}
            own = {"message": message, "logprobs": self._logprobs(a)}
            choices.append(self._choice(i, a, own))
        counted = usage(prompt, sum(len(a.tokens) for a in answers))
        return self._object("chat.completion", choices) | {"usage": counted}

    def opening(self, count: int) -> list[Json]:
        """What a stream begins with: whose turn it is."""
        delta = {"role": "assistant", "content": ""}
        empty = Chunk()
        return [self._piece(i, empty, delta) for i in range(count)]

    def piece(self, index: int, chunk: Chunk) -> Json:
        text = self._text(index, chunk)
        return self._piece(index, chunk, {"content": text} if text else {})

    def closing(self, prompt: int, generated: int) -> Json:
        return self._object("chat.completion.chunk", []) | {"usage": usage(prompt, generated)}

    def _text(self, index: int, answer: Completion | Chunk) -> str:
        if answer.tokens:
            self._first.setdefault(index, answer.tokens[0])
        if index in self._begun or not answer.text:
            return answer.text
        text = answer.text
        if self._trim:
            text = text.lstrip()
        elif text[0] == " " and self._prompter.loses_space(self._first[index]):
            text = text[1:]  # an answer is a text of its own, which no space begins
        if text:
            self._begun.add(index)
        return text

    def _piece(self, index: int, chunk: Chunk, delta: Json) -> Json:
        own = {"delta": delta, "logprobs": self._logprobs(chunk)}
        return self._object("chat.completion.chunk", [self._choice(index, chunk, own)])

    def _object(self, kind: str, choices: list[Json]) -> Json:
        return self._head | {"object": kind, "choices": choices}

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
        vocabulary = self._prompter.vocabulary
        raw = list(vocabulary.bytes_of(token))
        return {"token": vocabulary.text_of(token), "logprob": logprob, "bytes": raw}


class TextRender(Render):
    """`/v1/completions`."""

    prefix = "cmpl"

    def __init__(self, body: Sampled, prompter: Prompter) -> None:
        super().__init__(body, prompter)
        self._texts: dict[int, _Length] = defaultdict(_Length)

    def whole(self, answers: Sequence[Completion], prompt: int) -> Json:
        choices = [self._told(i, a) for i, a in enumerate(answers)]
        counted = usage(prompt, sum(len(a.tokens) for a in answers))
        return self._object(choices) | {"usage": counted}

    def opening(self, count: int) -> list[Json]:
        return []

    def piece(self, index: int, chunk: Chunk) -> Json:
        return self._object([self._told(index, chunk)])

    def closing(self, prompt: int, generated: int) -> Json:
        return self._object([]) | {"usage": usage(prompt, generated)}

    def _told(self, index: int, answer: Completion | Chunk) -> Json:
        own = {"text": answer.text, "logprobs": self._logprobs(index, answer)}
        return self._choice(index, answer, own)

    def _object(self, choices: list[Json]) -> Json:
        return self._head | {"object": "text_completion", "choices": choices}

    def _logprobs(self, index: int, answer: Completion | Chunk) -> Json | None:
        if not answer.logprobs:
            return None
        vocabulary = self._prompter.vocabulary
        offsets = []
        for token in answer.tokens:
            offsets.append(self._texts[index].characters)
            if not vocabulary.is_special(token):
                self._texts[index].add(vocabulary.bytes_of(token))
        return {
            "tokens": [vocabulary.text_of(t) for t in answer.tokens],
            "token_logprobs": [p.logprob for p in answer.logprobs],
            "top_logprobs": [self._best(p) for p in answer.logprobs],
            "text_offset": offsets,
        }

    def _best(self, found: TokenLogprob) -> dict[str, float]:
        """Return the likeliest texts; of tokens with one text, the likelier one."""
        texts: dict[str, float] = {}
        for token, logprob in found.top:  # best first
            texts.setdefault(self._prompter.vocabulary.text_of(token), logprob)
        return texts


class _Length:
    """Count the characters of bytes that come in pieces; half a character counts once whole."""

    def __init__(self) -> None:
        self.characters = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, raw: bytes) -> None:
        self.characters += len(self._decoder.decode(raw))
