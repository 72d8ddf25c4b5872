"""FairQueue: requests that wait, tenants by turns."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice

from t2l_fast.errors import QueueFull
from t2l_fast.serve.request import Request


class FairQueue:
    """First come, first served within a tenant; tenants take turns.

    Nothing overtakes the head, so that no request starves, however many others could run with the
    adapters that have a slot now. Not thread-safe.

    Args:
        size: requests that may wait.
        per_tenant: requests of one tenant that may wait.
    """

    def __init__(self, size: int, per_tenant: int) -> None:
        self._size, self._per_tenant = size, per_tenant
        self._turns: OrderedDict[str, deque[Request]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Request]:
        return (request for line in self._turns.values() for request in line)

    def push(self, requests: list[Request]) -> None:
        """Add requests of one tenant, all or none.

        Raises:
            QueueFull: there is no room for them.
        """
        tenant = requests[0].tenant
        waiting = len(self._turns.get(tenant, ()))
        if waiting + len(requests) > self._per_tenant or len(self) + len(requests) > self._size:
            raise QueueFull(
                f"up to {self._size} requests wait, {self._per_tenant} of one tenant, got "
                f"{len(requests)} more than there is room for: try again later"
            )
        self._turns.setdefault(tenant, deque()).extend(requests)
        self._length += len(requests)

    def peek(self, count: int) -> list[Request]:
        """Up to `count` requests in the order in which they will be taken."""
        lines = [list(line) for line in self._turns.values()]
        deepest = max(map(len, lines), default=0)
        turns = (line[turn] for turn in range(deepest) for line in lines if turn < len(line))
        return list(islice(turns, count))

    def pop(self) -> Request:
        """Take the head; its tenant's next turn comes after all others'."""
        tenant, line = next(iter(self._turns.items()))
        request = line.popleft()
        self._length -= 1
        del self._turns[tenant]
        if line:
            self._turns[tenant] = line
        return request

    def put_back(self, request: Request) -> None:
        """Return a request that was taken to the very front."""
        self._turns.setdefault(request.tenant, deque()).appendleft(request)
        self._turns.move_to_end(request.tenant, last=False)
        self._length += 1

    def remove(self, request: Request) -> bool:
        """Take a request out of the line; False if it is not in it."""
        line = self._turns.get(request.tenant)
        if line is None or request not in line:
            return False
        line.remove(request)
        self._length -= 1
        if not line:
            del self._turns[request.tenant]
        return True
