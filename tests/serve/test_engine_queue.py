"""Requests wait for places and slots, tenants by turns; errands run between two steps."""

import threading

import pytest

from t2l_fast.errors import ArgumentError, QueueFull, T2LError
from tests.serve.requests import params, ways


def test_hits_and_misses_are_counted_once(serving):
    with serving.engine(adapters=4, slots=4) as engine:
        for _ in range(2):
            with serving.held(engine):
                tickets = [
                    engine.submit([5, 6], adapter=a, params=params(2))
                    for a in ("a0", "a1", "a2", "a0")
                ]
            for ticket in tickets:
                ticket.result()
        assert (engine.bank.misses, engine.bank.hits) == (3, 3)


def test_errands_take_turns_and_are_bounded(serving):
    with serving.engine() as engine:
        order = []
        with serving.held(engine):
            futures = [
                engine.run(lambda t=t: order.append(t), tenant=t) for t in ("x", "x", "x", "y")
            ]
            with pytest.raises(QueueFull, match="errands wait"):
                for _ in range(1000):
                    futures.append(engine.run(lambda: None, tenant="x"))
        for future in futures:
            future.result(30)
    assert order == ["x", "y", "x", "x"]


@ways
def test_more_adapters_than_slots_wait_their_turn(serving, attention):
    with serving.engine(attention=attention, adapters=12, slots=2) as engine:
        order = []
        with serving.held(engine):
            tickets = [
                engine.submit(
                    serving.prompt(i, 20),
                    adapter=f"a{i}",
                    params=params(4),
                    sink=lambda chunk, i=i: order.append(i) if chunk.finish else None,
                )
                for i in range(12)
            ]
        assert engine.drain(60)
        assert len(tickets) == len(order) == 12
        rank = {request: position for position, request in enumerate(order)}
        assert all(abs(rank[i] - i) < 2 for i in range(12))
    assert not any(engine.bank._pins)


def test_nothing_overtakes_a_request_that_waits_for_a_slot(serving):
    with serving.engine(adapters=3, slots=1) as engine:
        begun = []
        with serving.held(engine):
            for i, adapter in enumerate(("a0", "a1", "a0", "a2", None)):
                engine.submit(
                    serving.prompt(i, 5),
                    adapter=adapter,
                    params=params(3),
                    sink=lambda chunk, i=i: begun.append(i) if i not in begun else None,
                )
        assert engine.drain(60)
    assert begun[:3] == [0, 1, 2]


def test_all_missing_adapters_of_a_step_are_made_in_one_pass(serving, tiny):
    generator = tiny.generator(tiny.model())
    with serving.engine(generator=generator) as engine:
        ids = engine.bank.register(texts=[f"do{i} it" for i in range(6)])
        made = []
        before = generator.generate_into
        generator.generate_into = lambda codes, *args: (
            made.append(len(codes)) or before(codes, *args)
        )
        with serving.held(engine):
            tickets = [engine.submit([5, 6], adapter=i, params=params(2)) for i in ids]
        for ticket in tickets:
            ticket.result()
    assert made == [6]


def test_tenants_take_turns(serving):
    with serving.engine(max_active=1) as engine:
        order = []
        with serving.held(engine):
            for name in ("greedy",) * 4 + ("modest",) * 2:
                engine.submit(
                    [5, 6],
                    params=params(2),
                    tenant=name,
                    sink=lambda chunk, name=name: order.append(name) if chunk.finish else None,
                )
        assert engine.drain(60)
    assert order == ["greedy", "modest", "greedy", "modest", "greedy", "greedy"]


def test_a_full_queue_refuses_all_of_a_submission(serving):
    with serving.engine(max_queue=4, max_queue_per_tenant=3) as engine, serving.held(engine):
        many = [[5, 6]] * 4
        with pytest.raises(ArgumentError, match="up to 3 requests may be queued together, got 4"):
            engine.submit_all(many, [params(2)] * 4, sinks=[None] * 4)
        assert engine.queued == 0
        engine.submit_all(many[:3], [params(2)] * 3, sinks=[None] * 3, tenant="x")
        with pytest.raises(QueueFull, match="try again later"):
            engine.submit_all(many[:2], [params(2)] * 2, sinks=[None] * 2, tenant="y")
        engine.submit([5, 6], params=params(2), tenant="y")


def test_errands_run_between_steps_and_report_failures(serving):
    with serving.engine() as engine:
        ticket = engine.submit([5, 6], params=params(200))
        thread = engine.run(threading.current_thread).result(30)
        assert thread.name == "t2l-engine"
        with pytest.raises(T2LError, match="odd"):
            engine.run(lambda: (_ for _ in ()).throw(ArgumentError("odd"))).result(30)
        assert len(ticket.result().tokens) == 200
