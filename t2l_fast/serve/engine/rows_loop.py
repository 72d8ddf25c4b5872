"""The engine's slower loop: for models whose attention does not go through pages.

It needs nothing of a model but its forward and the public interface of its cache.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import torch

from t2l_fast.adapters import Adapters
from t2l_fast.serve.config import EngineConfig
from t2l_fast.serve.engine.loop import LoopThread, Owner
from t2l_fast.serve.engine.rows import Group, Row, RowForward, Way, alike

START_SECONDS = 10.0
"""For the loop to turn once."""


class RowsLoop:
    """Runs requests as rows: those that begin together share a forward from then on.

    Where caches can be joined, groups of like length are. A request reserves the cells of its
    prompt and all tokens that it may generate, so none is ever interrupted.

    Args:
        model: a causal LM.
        adapters: attached to it.
        config: sizes; `page_size` means nothing here.
        owner: of the requests.
        way: how rows share a forward.
    """

    def __init__(
        self, model: Any, adapters: Adapters, config: EngineConfig, owner: Owner, way: Way
    ) -> None:
        self.step_tokens, self.longest = config.max_batch_tokens, config.cache_tokens
        self._owner, self._way, self._device = owner, way, model.device
        self._forward = RowForward(model, adapters, owner, way)
        self._waiting: deque[Row] = deque()
        self._groups: list[Group] = []
        self._gone: set[str] = set()
        self._wake = threading.Event()
        self._thread = LoopThread(self._serve, owner)

    @property
    def failure(self) -> BaseException | None:
        """See `Loop.failure`."""
        return self._thread.failure

    def start(self) -> None:
        """Implement `Loop.start`."""
        self._thread.start(START_SECONDS, self._stop)

    def close(self) -> None:
        """Implement `Loop.close`."""
        self._stop(True)

    def cancel(self, key: str) -> None:
        """Implement `Loop.cancel`."""
        for row in self._waiting:
            if row.key == key:
                self._waiting.remove(row)
                return
        if any(row.key == key for group in self._groups for row in group.rows):
            self._gone.add(key)

    def wake(self) -> None:
        """Implement `Loop.wake`."""
        self._wake.set()

    def _stop(self, wait: bool) -> None:
        self._thread.stopping = True
        self.wake()
        if wait:
            self._thread.thread.join()

    def _serve(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)
        while not self._thread.stopping:
            self._wake.clear()
            busy = self._turn()
            self._thread.turned.set()
            if not busy:
                self._wake.wait()

    def _turn(self) -> bool:
        """One token of every request; return whether to turn again at once."""
        self._waiting.extend(Row(work) for work in self._owner.between_steps(self))
        self._drop()
        self._groups += self._begun()
        ran = bool(self._groups)
        for group in self._groups:
            self._step(group)
        self._drop()
        self._join()
        return ran or bool(self._waiting)  # who left may have made room for who waits

    def _drop(self) -> None:
        for group in self._groups:
            try:
                group.drop(self._gone)
            except Exception as error:
                self._fail(group, error)
        self._groups = [group for group in self._groups if group.rows]
        self._gone.clear()

    def _begun(self) -> list[Group]:
        """Return groups of the requests that fit now, in the order in which they came."""
        room = self.longest - sum(row.reserved for group in self._groups for row in group.rows)
        rows: list[Row] = []
        while self._waiting and self._waiting[0].reserved <= room:
            rows.append(self._waiting.popleft())
            room -= rows[-1].reserved
        return list(self._grouped(rows))

    def _grouped(self, rows: list[Row]) -> Iterator[Group]:
        """Yield rows of like length together, as many as a forward takes."""
        ordered = sorted(rows, key=lambda row: len(row.ids))
        while ordered:
            group = [ordered.pop(0)]
            while ordered and self._share(group, len(ordered[0].ids)):
                group.append(ordered.pop(0))
            yield Group(group)

    def _share(self, group: list[Row], width: int) -> bool:
        """Return whether a row of `width` tokens, the longest, begins with a group."""
        shortest = len(group[0].ids)
        if (len(group) + 1) * width > self.step_tokens:
            return False
        return self._together(width, shortest)

    def _together(self, width: int, shortest: int) -> bool:
        if self._way == "padded":
            return alike(width, shortest)
        return self._way == "equal-length" and width == shortest

    def _join(self) -> None:
        """Make one of groups that are alike, where their caches can be joined."""
        joined: list[Group] = []
        for group in self._groups:
            if not any(self._alike(other, group) and self._take(other, group) for other in joined):
                joined.append(group)
        self._groups = [group for group in joined if group.rows]

    def _take(self, one: Group, other: Group) -> bool:
        """Join two groups, where they can be; an error ends their requests, and no others."""
        try:
            return one.take(other)
        except Exception as error:  # some layers may be joined, others not
            self._fail(one, error)
            self._fail(other, error)
            return True

    def _alike(self, one: Group, other: Group) -> bool:
        shortest = min(g.width - row.padding for g in (one, other) for row in g.rows)
        return self._together(max(one.width, other.width), shortest)

    def _step(self, group: Group) -> None:
        """One forward; an error ends the requests in it, and no others."""
        try:
            logits = self._forward(group)
            tokens = self._owner.choose([row.key for row in group.rows], logits).tolist()
        except Exception as error:
            self._fail(group, error)
            return
        for row, token in zip(group.rows, tokens, strict=True):
            row.generated.append(token)
            full = len(row.generated) == row.work.params.max_tokens
            finished = full or token in row.work.eos
            if finished:
                self._gone.add(row.key)
            self._owner.deliver(row.key, row.generated, finished=finished, loop=self)

    def _fail(self, group: Group, error: Exception) -> None:
        rows, group.rows, group.state = group.rows, [], None
        self._owner.step_failed(error)
        for row in rows:
            self._owner.fail(row.key, str(error))
