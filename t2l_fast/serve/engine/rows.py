"""Rows of requests over transformers' public cache: one forward for all rows of a group."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicLayer

from t2l_fast.adapters import Adapters
from t2l_fast.serve.engine.loop import Owner, Work
from t2l_fast.serve.engine.transformers_batch import on_head

Way = Literal["padded", "equal-length", "alone", "recomputed"]
"""How rows share a forward.

- "padded": padded on the left to one length.
- "equal-length": where their lengths are equal.
- "alone": not at all.
- "recomputed": not at all, and without a cache.
"""

_STATES = ("cache", "past_key_values", "cache_params", "state")
"""What models call the cache that they take and return; "cache" since transformers 5.24."""


@dataclass(eq=False)
class Row:
    """One request.

    Fields:
        padding: cells on the left that it does not see.
    """

    work: Work
    generated: list[int] = field(default_factory=list)
    padding: int = 0

    @property
    def key(self) -> str:
        """The request's key."""
        return self.work.key

    @property
    def ids(self) -> list[int]:
        """Token ids so far: prompt and answer."""
        return [*self.work.prompt, *self.generated]

    @property
    def reserved(self) -> int:
        """Tokens that it may come to."""
        return len(self.work.prompt) + self.work.params.max_tokens


@dataclass(eq=False)
class Group:
    """Rows that share a cache.

    Fields:
        width: cells of the cache, with padding.
        state: the cache, as the model returned it; None before the first forward.
    """

    rows: list[Row]
    width: int = 0
    state: Any = None

    def drop(self, gone: set[str]) -> None:
        """Leave out the rows of these keys."""
        keep = [i for i, row in enumerate(self.rows) if row.key not in gone]
        if len(keep) == len(self.rows):
            return
        self.rows = [self.rows[i] for i in keep]
        if keep and self.state is not None:
            self.state = _select(self.state, keep)

    def take(self, other: Group) -> bool:
        """Take over another group's rows; False where the caches are of a kind that can't join."""
        if not (_joins(self.state, self.width) and _joins(other.state, other.width)):
            return False
        width = max(self.width, other.width)
        for mine, its in zip(self.state.layers, other.state.layers, strict=True):
            for name in ("keys", "values"):
                tensors = getattr(mine, name), getattr(its, name)
                # [rows, heads, cells, d], more cells on the left
                wide = [pad(t, (0, 0, width - t.shape[-2], 0)) for t in tensors]
                setattr(mine, name, torch.cat(wide))
        for group in (self, other):
            for row in group.rows:
                row.padding += width - group.width
        self.rows, self.width = self.rows + other.rows, width
        return True


def state_name(model: Any) -> str | None:
    """Return what a model calls the cache that it takes and returns; None = it takes none."""
    known = inspect.signature(model.forward).parameters
    return next((name for name in _STATES if name in known), None)


def alike(width: int, shortest: int) -> bool:
    """Return whether rows are padded to `width` tokens where the shortest has so many."""
    return width <= 2 * shortest + 16


class RowForward:
    """The model's forward for a group: prompts at first, then a token of each row.

    Args:
        model: a causal LM.
        adapters: attached to it.
        owner: of the requests.
        way: how rows share a forward.
    """

    def __init__(self, model: Any, adapters: Adapters, owner: Owner, way: Way) -> None:
        self._model, self._owner, self._way = model, owner, way
        known = inspect.signature(model.forward).parameters
        self._known = set(known)
        self._state = state_name(model)
        self._keep = "logits_to_keep" in known and not on_head(model, adapters)
        self._device = model.get_input_embeddings().weight.device

    @torch.no_grad()
    def __call__(self, group: Group) -> Tensor:
        """Return the logits `[rows, vocab]`, fp32, of each row's next token; the cache grows.

        Raises:
            TypeError: the model takes no cache, or returns none.
        """
        if self._way == "recomputed":
            group.state, group.width = None, 0
        elif self._state is None:
            raise TypeError("the model takes no cache")
        first = group.state is None
        ids = [row.ids if first else row.generated[-1:] for row in group.rows]
        longest = max(map(len, ids))
        if first:
            for row, own in zip(group.rows, ids, strict=True):
                row.padding = longest - len(own)
        # what fills a row up is its own first token: no id that may mean something
        tokens = [own[:1] * (longest - len(own)) + own for own in ids]
        options = self._options(group, longest)
        slots = torch.tensor([self._owner.slot_of(r.key) for r in group.rows], dtype=torch.int32)
        adapted = bool((slots >= 0).any())
        with self._owner.use(slots.to(self._device)) if adapted else nullcontext():
            output = self._model(input_ids=torch.tensor(tokens, device=self._device), **options)
        group.width += longest
        if self._way != "recomputed" and self._state is not None:
            group.state = getattr(output, self._state, None)
            if group.state is None:
                raise TypeError("the model returns no cache")
        return output.logits[:, -1].float()

    def _options(self, group: Group, length: int) -> dict[str, Any]:
        options: dict[str, Any] = {"use_cache": self._way != "recomputed"}
        if self._keep:
            options["logits_to_keep"] = 1
        if group.state is not None and self._state is not None:
            options[self._state] = group.state
        if self._way == "padded":
            padding = torch.tensor([row.padding for row in group.rows], device=self._device)[
                :, None
            ]
            cells = torch.arange(group.width + length, device=self._device)
            options["attention_mask"] = (cells >= padding).long()
            options["position_ids"] = (cells[group.width :] - padding).clamp_min(0)
        return {name: value for name, value in options.items() if name in self._known}


def _select(state: Any, keep: Sequence[int]) -> Any:
    """Return a cache with these rows alone."""
    if isinstance(state, Tensor):
        return state[torch.tensor(keep, device=state.device)]
    if isinstance(state, list | tuple):
        return type(state)([_select(part, keep) for part in state])
    if not isinstance(state, Cache):
        raise TypeError(f"rows of a {type(state).__name__} can't be left out")
    device = next((t.device for t in _tensors(state)), torch.device("cpu"))
    state.reorder_cache(torch.tensor(keep, device=device))  # pyright: ignore[reportArgumentType]
    return state


def _tensors(cache: Cache) -> list[Tensor]:
    held = [value for layer in cache.layers for value in vars(layer).values()]
    return [value for value in held if isinstance(value, Tensor)]


def _joins(state: Any, width: int) -> bool:
    """Return whether a cache is made of keys and values of `width` cells alone."""
    return isinstance(state, Cache) and all(
        type(layer) is DynamicLayer and layer.get_seq_length() == width for layer in state.layers
    )
