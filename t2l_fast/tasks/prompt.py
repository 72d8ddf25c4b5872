"""What the base model reads and answers: ids of prompts and of answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COMPACT = "Input: {input}\nOutput:"
"""Template of the bundled checkpoint: short, without a description."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Turns inputs and outputs into token ids.

    Args:
        tokenizer: of the base model.
        template: with "{input}"; None = the tokenizer's chat template, one user turn.
    """

    tokenizer: Any
    template: str | None = COMPACT

    def text(self, source: str, description: str | None = None) -> str:
        """The prompt; a description, if any, stands in front (rivals need it, adapters don't)."""
        if self.template is not None:
            prompt = self.template.replace("{input}", source)
            return prompt if description is None else f"{description}\n{prompt}"
        content = source if description is None else f"{description}\n\n{source}"
        turns = [{"role": "user", "content": content}]
        return self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)

    def ids(self, source: str, description: str | None = None) -> list[int]:
        special = self.template is not None  # chat templates write their special tokens themselves
        text = self.text(source, description)
        return self.tokenizer(text, add_special_tokens=special).input_ids

    def answer_ids(self, output: str) -> list[int]:
        """The answer as the model has to continue, with the end of sequence."""
        gap = " " if self.template is not None and not self.template[-1].isspace() else ""
        ids = self.tokenizer(f"{gap}{output}", add_special_tokens=False).input_ids
        return [*ids, self.tokenizer.eos_token_id]

    def read(self, ids: list[int]) -> str:
        """Text of generated ids up to the end of sequence, and of the first line."""
        if self.tokenizer.eos_token_id in ids:
            ids = ids[: ids.index(self.tokenizer.eos_token_id)]
        text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return text if self.template is None else text.split("\n", 1)[0].rstrip()
