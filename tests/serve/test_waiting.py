"""FairQueue against a plain model of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2l_fast.errors import ArgumentError, QueueFull
from t2l_fast.serve.engine.queue import FairQueue
from t2l_fast.serve.engine.request import Request


def request(name: str, tenant: str) -> Request:
    return Request(name, [1], None, None, tenant, lambda chunk: None, None)


@given(st.lists(st.sampled_from(["x", "y", "z", "pop", "remove", "back"]), max_size=40))
def test_peek_tells_what_pop_takes(steps):
    line, kept = FairQueue(100, 100), {}
    for i, step in enumerate(steps):
        ahead = line.peek(100)
        assert sorted(r.key for r in ahead) == sorted(kept)
        assert len(line) == len(kept) == len(list(line))
        assert [r.key for r in line.peek(2)] == [r.key for r in ahead[:2]]
        for tenant in "xyz":
            own = [int(r.key) for r in ahead if r.tenant == tenant]
            assert own == sorted(own)
        if step in ("x", "y", "z"):
            kept[str(i)] = made = request(str(i), step)
            line.push([made])
        elif kept and step == "pop":
            taken = line.pop()
            assert taken is ahead[0]
            del kept[taken.key]
        elif kept and step == "back":
            line.put_back(line.pop())
            assert line.peek(1) == ahead[:1]
        elif kept:
            gone = ahead[len(ahead) // 2]
            assert line.remove(gone)
            assert not line.remove(gone)
            del kept[gone.key]


def test_limits_are_all_or_none():
    line = FairQueue(3, 2)
    with pytest.raises(ArgumentError, match="up to 2 requests may be queued together, got 3"):
        line.push([request(str(i), "x") for i in range(3)])
    assert len(line) == 0
    line.push([request("a", "x"), request("b", "x")])
    line.push([request("c", "y")])
    with pytest.raises(QueueFull, match="up to 3 requests wait, 2 of one tenant"):
        line.push([request("d", "z")])
