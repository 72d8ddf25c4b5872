"""The slower loop: rows share forwards, take turns for cells, and end together when it dies."""

import time
from types import SimpleNamespace

import pytest
import torch

from t2l_fast.errors import EngineError
from t2l_fast.serve.engine import rows as rows_module
from t2l_fast.serve.engine.rows import Group, _select, state_name
from tests.serve.requests import check, params, run_all


def counted(engine):
    """Record the rows of each forward that follows."""
    rows, forward = [], engine.model.forward

    def seen(*args, **kwargs):
        rows.append(len(kwargs["input_ids"]))
        return forward(*args, **kwargs)

    engine.model.forward = seen
    return rows


def test_requests_that_begin_together_share_every_forward(serving):
    with serving.engine(adapters=3, attention="padded") as engine:
        rows = counted(engine)
        with serving.held(engine):
            requests = [(a, serving.prompt(i, 9 + i)) for i, a in enumerate((None, "a0", "a1"))]
            tickets = [engine.submit(p, adapter=a, params=params(6)) for a, p in requests]
        answers = [ticket.result().tokens for ticket in tickets]
        engine.close()
        served = [(a, p, t) for (a, p), t in zip(requests, answers, strict=True)]
        del engine.model.forward
        check(serving, engine.model, engine.adapters, served)
    assert rows == [3] * 6


def test_a_request_that_comes_later_joins_the_others(serving):
    with serving.engine(adapters=2, attention="padded") as engine:
        first = engine.submit(serving.prompt(0, 20), adapter="a0", params=params(300))
        next(iter(first))
        rows = counted(engine)
        late = serving.prompt(1, 30)
        served = run_all(engine, [("a1", late)], 8)
        first.cancel()
        engine.close()
        del engine.model.forward
        check(serving, engine.model, engine.adapters, served)
    assert rows.count(2) >= 7


def test_caches_that_can_not_be_joined_end_their_requests_and_no_others(serving, monkeypatch):
    def full(*args):
        raise RuntimeError("no memory")

    with serving.engine(adapters=2, attention="padded") as engine:
        first = engine.submit(serving.prompt(0, 20), adapter="a0", params=params(300))
        next(iter(first))
        with monkeypatch.context() as patch:
            patch.setattr(rows_module, "pad", full)
            second = engine.submit(serving.prompt(1, 20), adapter="a1", params=params(100))
            for ticket in (first, second):
                with pytest.raises(EngineError, match="no memory"):
                    ticket.result()
        served = run_all(engine, [("a0", serving.prompt(0, 9))], 5)
        assert engine.failure is None
        engine.close()
        check(serving, engine.model, engine.adapters, served)
    assert not any(engine.bank._pins)


def test_short_rows_are_not_padded_to_very_long_ones(serving):
    with serving.engine(attention="padded", max_batch_tokens=4096) as engine:
        rows = counted(engine)
        with serving.held(engine):
            tickets = [
                engine.submit(serving.prompt(i, n), params=params(3))
                for i, n in enumerate((5, 400, 7))
            ]
        for ticket in tickets:
            ticket.result()
    assert sorted(set(rows)) == [1, 2]


def test_requests_wait_for_cells_that_others_reserved(serving):
    with serving.engine(attention="padded", cache_tokens=256, max_active=8) as engine:
        rows = counted(engine)
        served = run_all(engine, [(None, serving.prompt(i, 40)) for i in range(5)], 60)
        engine.close()
        del engine.model.forward
        check(serving, engine.model, engine.adapters, served)
    assert max(rows) == 2  # 100 cells each, of 256


def test_a_loop_of_rows_that_dies_ends_every_request(serving):
    with serving.engine(attention="padded", max_active=2) as engine:
        tickets = [engine.submit([5, 6], params=params(900)) for _ in range(4)]
        next(iter(tickets[0]))

        def broken(key):
            raise RuntimeError("no slots")

        engine._manager._join = lambda: broken(0)
        for ticket in tickets:
            with pytest.raises(EngineError, match="no slots"):
                ticket.result()
        with pytest.raises(EngineError, match="make a new one"):
            engine.submit([5])
        assert isinstance(engine.failure, RuntimeError)


def test_health_and_metrics_know_the_loop_of_rows(served):
    server = served(attention="padded")
    with server.http() as http:
        assert http.get("/health").json() == {"status": "ok"}
        assert 't2l_engine_info{path="padded"} 1.0' in http.get("/metrics").text
        engine = server.engine

        def broken():
            raise RuntimeError("secret prompt")

        engine._manager._turn = broken
        engine._manager.wake()
        while engine.accepts:
            time.sleep(0.01)
        answer = http.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "failed")
        assert "secret" not in answer.text


def test_rows_of_nested_states_are_left_out():
    state = [torch.arange(6).view(3, 2), (torch.arange(3),)]
    one, (other,) = _select(state, [0, 2])
    assert one.tolist() == [[0, 1], [4, 5]]
    assert other.tolist() == [0, 2]
    with pytest.raises(TypeError, match="rows of a str can't be left out"):
        _select("cache", [0])
    assert not Group([], 0, state).take(Group([], 0, state))


@pytest.mark.parametrize(
    ("forward", "name"),
    [
        (lambda ids, cache=None: None, "cache"),  # since transformers 5.24
        (lambda ids, past_key_values=None: None, "past_key_values"),
        (lambda ids, cache_params=None: None, "cache_params"),
        (lambda ids, labels=None: None, None),
    ],
    ids=["5.24", "older", "Mamba", "none"],
)
def test_what_a_model_calls_its_cache(forward, name):
    assert state_name(SimpleNamespace(forward=forward)) == name
