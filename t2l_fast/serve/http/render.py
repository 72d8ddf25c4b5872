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
from t2l_fast.serve.http import responses as r
from t2l_fast.serve.http.echo import Echo
from t2l_fast.serve.http.prompts import Prompter
from t2l_fast.serve.http.schema import Sampled

Json = dict[str, Any]


def usage(prompt: int, generated: int) -> r.Usage:
    """Return the count of tokens of a prompt and its answers."""
    return r.Usage(
        prompt_tokens=prompt, completion_tokens=generated, total_tokens=prompt + generated
    )


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

    def _choice(self, index: int, answer: Completion | Chunk) -> Json:
        """Return what choices of all shapes have; `token_ids` only where they were asked for."""
        choice: Json = {"index": index, "finish_reason": answer.finish}
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
        """Return the body of whole answers."""
        choices = []
        for i, a in enumerate(answers):
            message = r.Message(role="assistant", content=self._text(i, a), refusal=None)
            shared = self._choice(i, a)
            choices.append(r.ChatChoice(**shared, message=message, logprobs=self._logprobs(a)))
        counted = usage(prompt, sum(len(a.tokens) for a in answers))
        return r.ChatCompletion(
            **self._head, object="chat.completion", choices=choices, usage=counted
        ).plain()

    def opening(self, count: int) -> list[Json]:
        """Return what a stream begins with: whose turn it is."""
        delta = r.Delta(role="assistant", content="")
        empty = Chunk()
        return [self._piece(i, empty, delta) for i in range(count)]

    def piece(self, index: int, chunk: Chunk) -> Json:
        """Return one event of a stream."""
        text = self._text(index, chunk)
        return self._piece(index, chunk, r.Delta(content=text) if text else r.Delta())

    def closing(self, prompt: int, generated: int) -> Json:
        """Return the last event, with the count of tokens."""
        return self._event([], usage=usage(prompt, generated))

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

    def _piece(self, index: int, chunk: Chunk, delta: r.Delta) -> Json:
        shared = self._choice(index, chunk)
        choice = r.ChatChunkChoice(**shared, delta=delta, logprobs=self._logprobs(chunk))
        return self._event([choice])

    def _event(self, choices: list[r.ChatChunkChoice], **more: Any) -> Json:
        return r.ChatCompletionChunk(
            **self._head, object="chat.completion.chunk", choices=choices, **more
        ).plain()

    def _logprobs(self, answer: Completion | Chunk) -> r.ChatLogprobs | None:
        if not answer.logprobs:
            return None
        pairs = zip(answer.tokens, answer.logprobs, strict=True)
        return r.ChatLogprobs(content=[self._token(t, p) for t, p in pairs], refusal=None)

    def _token(self, token: int, logprob: TokenLogprob) -> r.ChosenToken:
        top = [r.NamedToken(**self._named(t, p)) for t, p in logprob.top]
        return r.ChosenToken(**self._named(token, logprob.logprob), top_logprobs=top)

    def _named(self, token: int, logprob: float) -> Json:
        vocabulary = self._prompter.vocabulary
        raw = list(vocabulary.bytes_of(token))
        return {"token": vocabulary.text_of(token), "logprob": logprob, "bytes": raw}


class TextRender(Render):
    """`/v1/completions`.

    Args:
        echoes: the prompts, where they are to stand in front of their choices; else none.
    """

    prefix = "cmpl"

    def __init__(self, body: Sampled, prompter: Prompter, echoes: Sequence[Echo] = ()) -> None:
        super().__init__(body, prompter)
        self._echoes = echoes
        self._texts: dict[int, _Length] = defaultdict(_Length)

    def whole(self, answers: Sequence[Completion], prompt: int) -> Json:
        """Return all choices; those to the first prompt come first."""
        choices = []
        for index, answer in enumerate(answers):
            before = self._echoed(index) if self._echoes else None  # offsets go on from there
            choice = self._whole_choice(index, answer)
            if before is not None:
                choice.text = before.text + choice.text
                choice.logprobs = _joined(before.logprobs, choice.logprobs)
            choices.append(choice)
        return self._object(choices, usage=usage(prompt, sum(len(a.tokens) for a in answers)))

    def opening(self, count: int) -> list[Json]:
        """Return what a stream begins with: the prompts, if anything."""
        return [self._object([self._echoed(i)]) for i in range(count) if self._echoes]

    def piece(self, index: int, chunk: Chunk) -> Json:
        """Return one event of a stream."""
        return self._object([self._whole_choice(index, chunk)])

    def closing(self, prompt: int, generated: int) -> Json:
        """Return the last event, with the count of tokens."""
        return self._object([], usage=usage(prompt, generated))

    def _whole_choice(self, index: int, answer: Completion | Chunk) -> r.TextChoice:
        shared = self._choice(index, answer)
        logprobs = self._logprobs(index, answer.tokens, answer.logprobs)
        return r.TextChoice(**shared, text=answer.text, logprobs=logprobs)

    def _echoed(self, index: int) -> r.TextChoice:
        echo = self._echoes[index // self._body.n]
        logprobs = self._logprobs(index, echo.tokens, echo.logprobs)
        if logprobs is not None:
            # a tokenizer that puts a space before a text gives it to the first token
            ahead = self._texts[index].characters - len(echo.text)
            logprobs.text_offset = [max(0, at - max(0, ahead)) for at in logprobs.text_offset]
        self._texts[index] = _Length(len(echo.text))
        return r.TextChoice(**self._choice(index, Chunk()), text=echo.text, logprobs=logprobs)

    def _object(self, choices: list[r.TextChoice], **more: Any) -> Json:
        return r.TextCompletion(
            **self._head, object="text_completion", choices=choices, **more
        ).plain()

    def _logprobs(
        self, index: int, tokens: Sequence[int], logprobs: Sequence[TokenLogprob | None]
    ) -> r.TextLogprobs | None:
        if not logprobs:
            return None
        vocabulary = self._prompter.vocabulary
        offsets = []
        for token in tokens:
            offsets.append(self._texts[index].characters)
            if not vocabulary.is_special(token):
                self._texts[index].add(vocabulary.bytes_of(token))
        pairs = list(zip(tokens, logprobs, strict=True))
        return r.TextLogprobs(
            tokens=[vocabulary.text_of(t) for t in tokens],
            token_logprobs=[p and p.logprob for p in logprobs],
            top_logprobs=[p and self._best(t, p) for t, p in pairs],
            text_offset=offsets,
        )

    def _best(self, token: int, chosen: TokenLogprob) -> dict[str, float]:
        """Return the likeliest texts and the token's own; of one text, the likelier token's."""
        texts: dict[str, float] = {}
        for other, logprob in (*chosen.top, (token, chosen.logprob)):  # best first
            texts.setdefault(self._prompter.vocabulary.text_of(other), logprob)
        return texts


def _joined(first: r.TextLogprobs | None, second: r.TextLogprobs | None) -> r.TextLogprobs | None:
    if first is None or second is None:
        return first or second
    names = r.TextLogprobs.model_fields
    return r.TextLogprobs(**{name: getattr(first, name) + getattr(second, name) for name in names})


class _Length:
    """Count the characters of bytes that come in pieces; half a character counts once whole."""

    def __init__(self, characters: int = 0) -> None:
        self.characters = characters
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, raw: bytes) -> None:
        self.characters += len(self._decoder.decode(raw))
