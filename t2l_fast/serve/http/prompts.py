"""Prompter: token ids of what a request asks, as its adapter was trained to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from t2l_fast.errors import ArgumentError
from t2l_fast.serve.engine.vocabulary import Vocabulary

Message = dict[str, str]
"""With "role" and "content"."""


class Prompter:
    """Turns messages and texts into prompts.

    Args:
        tokenizer: of the base model.
        template: with "{input}": what generated adapters were trained to read; None = the
            tokenizer's chat template, as for the base model and trained adapters.
    """

    def __init__(self, tokenizer: Any, template: str | None) -> None:
        self._tokenizer, self._template = tokenizer, template
        self.vocabulary = Vocabulary(tokenizer)

    def follows_template(self, *, generated: bool) -> bool:
        """Return whether a chat goes by the generator's template: its answers begin with a gap."""
        return generated and self._template is not None

    def chat(self, messages: Sequence[Message], *, generated: bool) -> list[int]:
        """Return the token ids of a conversation.

        Args:
            generated: whether it goes to a generated adapter.

        Raises:
            ArgumentError: there is no chat template, it refuses these messages, or the generator's
                template has no place for them.
        """
        if self._template is not None and generated:
            if [m["role"] for m in messages] != ["user"]:
                raise ArgumentError(
                    f"generated adapters of this server read one user message, as "
                    f"{self._template!r}, got roles {[m['role'] for m in messages]}: put all "
                    "into one, or ask the base model"
                )
            return self.text(self._template.replace("{input}", messages[0]["content"]))
        if getattr(self._tokenizer, "chat_template", None) is None:
            raise ArgumentError(
                "chat needs a chat template, but the base model's tokenizer has none: use "
                "/v1/completions"
            )
        try:
            text = self._tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # whatever a template raises, from Jinja's own errors on
            raise ArgumentError(
                f"the model's chat template does not take these messages: {type(error).__name__}"
            ) from None
        return self._tokenizer(text, add_special_tokens=False).input_ids

    def text(self, text: str) -> list[int]:
        """Return the ids of a plain prompt; an empty one begins a text.

        Raises:
            ArgumentError: the prompt is empty, and no token begins a text.
        """
        ids = self._tokenizer(text).input_ids
        if ids:
            return ids
        first = self._tokenizer.bos_token_id
        if first is None:
            raise ArgumentError(
                "a prompt must give tokens, got none, and the tokenizer has no token for the "
                "beginning of a text: send some text"
            )
        return [first]

    def each(self, prompts: Sequence[str | list[int]]) -> list[list[int]]:
        """Return the ids of plain prompts, or what is ids already."""
        return [self.text(p) if isinstance(p, str) else p for p in prompts]

    def text_of(self, prompt: str | Sequence[int]) -> str:
        """Return a plain prompt as text."""
        return (
            prompt
            if isinstance(prompt, str)
            else self._tokenizer.decode(list(prompt), skip_special_tokens=True)
        )

    def loses_space(self, token: int) -> bool:
        """Return whether a token's first space is none at the start of a text."""
        text = self.vocabulary.text_of(token)
        return text.startswith(" ") and not self._tokenizer.decode([token]).startswith(" ")
