"""FairQueue: what waits, tenants by turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from t2l_fast.errors import ArgumentError, QueueFull


class Owned(Protocol):
    """What belongs to a tenant."""

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...


Item = TypeVar("Item", bound=Owned)


class FairQueue(Generic[Item]):
    """First come, first served within a tenant; tenants take turns.

    Nothing overtakes the head, so that nothing starves. A request that waits for a slot goes before
    others that could run with the adapters that have one. Not thread-safe.

    Args:
        size: how many may wait.
        per_tenant: the same for one tenant.
        what: they are, in a message.
    """

    def __init__(self, size: int, per_tenant: int, what: str = "requests") -> None:
        self._what = what
        self._size, self._per_tenant = size, per_tenant
        self._turns: OrderedDict[str, deque[Item]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        return (item for line in self._turns.values() for item in line)

    def push(self, items: list[Item]) -> None:
        """Add items of one tenant, all or none.

        Raises:
            ArgumentError: there never is room for so many.
            QueueFull: there is no room for them now.
        """
        most = min(self._size, self._per_tenant)
        if len(items) > most:
            raise ArgumentError(
                f"up to {most} {self._what} may be queued together, got {len(items)}: send fewer "
                "prompts or choices at once"
            )
        tenant = items[0].tenant
        waiting = len(self._turns.get(tenant, ()))
        if waiting + len(items) > self._per_tenant or len(self) + len(items) > self._size:
            raise QueueFull(
                f"up to {self._size} {self._what} wait, {self._per_tenant} of one tenant, got "
                f"{len(items)} more than there is room for: try again later"
            )
        self._turns.setdefault(tenant, deque()).extend(items)
        self._length += len(items)

    def peek(self, count: int) -> list[Item]:
        """Return up to `count` of them in the order in which they will be taken."""
        lines = [list(line) for line in self._turns.values()]
        deepest = max(map(len, lines), default=0)
        turns = (line[turn] for turn in range(deepest) for line in lines if turn < len(line))
        return list(islice(turns, count))

    def pop(self) -> Item:
        """Take the head; its tenant's next turn comes after all others'."""
        tenant, line = next(iter(self._turns.items()))
        item = line.popleft()
        self._length -= 1
        del self._turns[tenant]
        if line:
            self._turns[tenant] = line
        return item

    def put_back(self, item: Item) -> None:
        """Return what was taken to the very front."""
        self._turns.setdefault(item.tenant, deque()).appendleft(item)
        self._turns.move_to_end(item.tenant, last=False)
        self._length += 1

    def remove(self, item: Item) -> bool:
        """Take one out of the line; False if it is not in it."""
        line = self._turns.get(item.tenant)
        if line is None or item not in line:
            return False
        line.remove(item)
        self._length -= 1
        if not line:
            del self._turns[item.tenant]
        return True
