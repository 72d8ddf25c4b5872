"""What the base model reads and answers: ids of prompts and of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t2l_fast.errors import ArgumentError
from t2l_fast.tasks.task import Example

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

    def __post_init__(self) -> None:
        if self.template is None and not getattr(self.tokenizer, "chat_template", None):
            raise ArgumentError(
                "a prompt without a template needs a tokenizer with a chat template, got none: "
                "name an instruction-tuned base model, or take COMPACT"
            )

    def text(self, source: str | Example, description: str | None = None) -> str:
        """Return the prompt's text.

        Args:
            source: an input, or an example, which may bring a system message and a prefill.
            description: stands in front of the input (rivals need it, adapters don't).
        """
        example = source if isinstance(source, Example) else Example(source, "")
        if self.template is None:
            content = example.input if description is None else f"{description}\n\n{example.input}"
            turns = [{"role": "user", "content": content}]
            if example.system:
                turns.insert(0, {"role": "system", "content": example.system})
            chat = self.tokenizer.apply_chat_template
            return chat(turns, tokenize=False, add_generation_prompt=True) + example.prefill
        prompt = self.template.replace("{input}", example.input)
        parts = [text for text in (example.system, description) if text]
        prefill = self._gap("") + example.prefill if example.prefill else ""
        return "\n".join([*parts, prompt]) + prefill

    def ids(self, source: str | Example, description: str | None = None) -> list[int]:
        """Return the prompt's token ids."""
        return self._prompts([self.text(source, description)])[0]

    def answer_ids(self, output: str, prefill: str = "") -> list[int]:
        """Tokenise the answer that the model has to continue with, and its end of sequence.

        Args:
            prefill: what the prompt ends with.
        """
        return self._answers([self._gap(prefill) + output])[0]

    def sides(self, examples: Sequence[Example]) -> list[tuple[list[int], list[int]]]:
        """Return `ids` and `answer_ids` of many examples, tokenised in one call on all cores."""
        starts = self._prompts([self.text(example) for example in examples])
        texts = [self._gap(example.prefill) + example.output for example in examples]
        return list(zip(starts, self._answers(texts), strict=True))

    def _prompts(self, texts: list[str]) -> list[list[int]]:
        special = self.template is not None  # chat templates write their special tokens themselves
        return self.tokenizer(texts, add_special_tokens=special).input_ids

    def _answers(self, texts: list[str]) -> list[list[int]]:
        tokenised = self.tokenizer(texts, add_special_tokens=False).input_ids
        return [[*ids, self.tokenizer.eos_token_id] for ids in tokenised]

    def _gap(self, prefill: str) -> str:
        """What parts a prompt from what follows; a chat template ends as its answers begin."""
        if self.template is None:
            return ""
        return "" if (prefill or self.template)[-1].isspace() else " "

    def read(self, ids: list[int]) -> str:
        """Decode generated ids up to the end of sequence or of the first line."""
        if self.tokenizer.eos_token_id in ids:
            ids = ids[: ids.index(self.tokenizer.eos_token_id)]
        text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return text if self.template is None else text.split("\n", 1)[0].rstrip()
