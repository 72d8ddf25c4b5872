"""TokenCache: the tokenised examples of tasks, kept on disk by `datasets`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from t2l_fast.errors import CacheError
from t2l_fast.quiet import quiet_datasets
from t2l_fast.tasks import Example, Prompt, Task
from t2l_fast.train.data.collator import Collator, Tokens, joined
from t2l_fast.train.distributed.processes import Processes
from t2l_fast.train.run.progress import Progress, silent

_LAYOUT = "1"  # raise when rows are made or kept in another way
_AT_ONCE = 1000
_PROBE = Example("{input} a\n1", "b", system="c", prefill="d")


class TokenCache:
    """Tokens of every training example, made once and then read from Arrow files.

    A file holds one task and is named by what its tokens depend on: texts, tokenizer, template,
    length and versions. Memory holds an index alone.

    Args:
        prompt: what makes texts of examples, and ids of texts.
        max_tokens: of a prompt, and of an answer.
        folder: shared by runs and processes.
        progress: called as tasks are tokenised.

    Raises:
        CacheError: `datasets` is not installed, or the folder can't be used.
    """

    def __init__(
        self,
        prompt: Prompt,
        tasks: Sequence[Task],
        *,
        max_tokens: int,
        folder: str | Path,
        progress: Progress = silent,
    ) -> None:
        try:
            from datasets import concatenate_datasets
        except ModuleNotFoundError as error:
            raise CacheError(
                "a token cache needs the package datasets, which is not installed: "
                'pip install "t2l_fast[train]", or name no cache'
            ) from error
        self.folder = Path(folder)
        self._prompt, self._max_tokens = prompt, max_tokens
        self._common = _fingerprint(prompt, max_tokens)
        self._index: dict[Example, int] = {}
        parts = []
        with quiet_datasets():
            for done, task in enumerate(tasks):
                progress("tokenising", done, len(tasks))
                if not task.train:
                    continue
                start = sum(map(len, parts))
                parts.append(self._rows(task))
                for place, example in enumerate(task.train, start):
                    self._index.setdefault(example, place)
            self._all = concatenate_datasets(parts) if parts else []
        progress("tokenising", len(tasks), len(tasks))

    def __len__(self) -> int:
        return len(self._index)

    def get(self, example: Example) -> Tokens | None:
        """Return ids of prompt and answer, and the prompt's length; None if it was no task's."""
        place = self._index.get(example)
        if place is None:
            return None
        row = self._all[place]
        return tuple(row["ids"]), row["prompt_length"]

    def _rows(self, task: Task) -> Any:
        from datasets import Dataset, Features, List, Value
        from datasets.exceptions import DatasetsError

        def tokens_of_task() -> Iterator[dict[str, Any]]:
            for first in range(0, len(task.train), _AT_ONCE):
                for start, end in self._prompt.sides(task.train[first : first + _AT_ONCE]):
                    ids, length = joined(start, end, self._max_tokens)
                    yield {"ids": ids, "prompt_length": length}

        digest = hashlib.sha256(self._common)
        for e in task.train:
            digest.update(repr((e.input, e.output, e.system, e.prefill)).encode())
        fields = Features({"ids": List(Value("int32")), "prompt_length": Value("int32")})
        try:
            rows = Dataset.from_generator(
                tokens_of_task,
                features=fields,
                cache_dir=str(self.folder),
                fingerprint=digest.hexdigest()[:32],
            )
        except (OSError, ValueError, DatasetsError) as error:
            raise CacheError(
                f"the token cache {self.folder} can't be used: {error}; remove the folder, or name "
                "another"
            ) from error
        if len(rows) != len(task.train):
            raise CacheError(
                f"the token cache {self.folder} holds {len(rows)} examples of {task.name}, "
                f"expected {len(task.train)}: remove the folder"
            )
        return rows


def keep_tokens(
    collator: Collator,
    tasks: Sequence[Task],
    folder: str | Path,
    processes: Processes,
    progress: Progress = silent,
) -> None:
    """Let a collator read the examples of tasks from a cache in a folder.

    Of several processes the main one fills it, and the others read it.

    Args:
        collator: whose prompt and length the tokens are made by.
        progress: called as tasks are tokenised.

    Raises:
        CacheError: it can't be used.
    """
    if not processes.main:
        processes.wait()
    collator.known = TokenCache(
        collator.prompt, tasks, max_tokens=collator.max_tokens, folder=folder, progress=progress
    )
    if processes.main:
        processes.wait()


def _fingerprint(prompt: Prompt, max_tokens: int) -> bytes:
    """What all tokens depend on beside the texts; a probe sees what a template reads elsewhere."""
    import tokenizers
    import transformers

    tokenizer = prompt.tokenizer
    probe = prompt.text(_PROBE), prompt.ids(_PROBE), prompt.answer_ids("b"), max_tokens
    versions = _LAYOUT, tokenizers.__version__, transformers.__version__
    content = versions, probe, prompt.template, getattr(tokenizer, "chat_template", None)
    return repr((content, _tokenizer(tokenizer))).encode()


def _tokenizer(tokenizer: Any) -> str:
    """A tokenizer's whole content; how it last padded or cut is no part of it."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        from datasets.fingerprint import Hasher

        return Hasher.hash(tokenizer)
    content = json.loads(backend.to_str())
    return json.dumps({k: v for k, v in content.items() if k not in ("truncation", "padding")})
