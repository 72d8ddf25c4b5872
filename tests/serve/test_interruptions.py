"""Clients that hang up, full queues, steps that fail, and the server's end."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serve.asking import CHAT


@pytest.fixture
def server(served):
    return served(adapters=3, chat_template=CHAT)


def test_when_time_runs_out_what_runs_is_told(served):
    server = served(adapters=1, grace=0.3, max_active=1)
    body = {"model": "a0", "prompt": "hello", "max_tokens": 1000, "ignore_eos": True}
    before = server.engine.model.forward

    def slow(*args, **kwargs):
        time.sleep(0.02)
        return before(*args, **kwargs)

    server.engine.model.forward = slow
    with ThreadPoolExecutor() as pool:
        http = server.http()
        with http.stream("POST", "/v1/completions", json=body | {"stream": True}) as stream:
            lines = stream.iter_lines()
            next(lines)
            waiting = pool.submit(server.http().post, "/v1/completions", json=body)
            while not server.engine.queued:
                time.sleep(0.01)
            server.ask_to_stop()
            rest = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        assert rest[-1]["error"]["type"] == "server_error"
        assert waiting.result().status_code == 503
    server.stop()


def test_a_client_that_hangs_up_frees_its_place(server):
    body = {"model": "a0", "prompt": "hello", "max_tokens": 900, "ignore_eos": True}
    with server.http().stream("POST", "/v1/completions", json=body | {"stream": True}) as stream:
        assert next(stream.iter_lines())
    assert server.engine.drain(20)
    assert server.engine.stats.requests["cancelled"] == 1


def test_a_client_that_hangs_up_while_it_waits_for_the_whole(server):
    import httpx

    body = {"model": "a0", "prompt": "hello", "max_tokens": 900, "ignore_eos": True}
    with pytest.raises(httpx.ReadTimeout):
        server.http().post("/v1/completions", json=body, timeout=0.2)
    assert server.engine.drain(20)
    assert server.engine.stats.requests["cancelled"] == 1


def test_a_full_queue_is_told_with_a_time_to_retry(served, serving):
    server = served(max_queue=1)
    body = {"model": "tiny", "prompt": "hello", "max_tokens": 2}
    with serving.held(server.engine):
        waiting = server.engine.submit([5])
        got = server.http().post("/v1/completions", json=body)
    assert got.status_code == 429
    assert got.headers["retry-after"] == "1"
    assert got.json()["error"]["code"] == "queue_full"
    waiting.result()


def test_stopping_finishes_what_is_in_flight(server):
    body = {"model": "a0", "prompt": "hello", "max_tokens": 300, "ignore_eos": True}
    with server.http().stream("POST", "/v1/completions", json=body | {"stream": True}) as stream:
        lines = stream.iter_lines()
        next(lines)
        server.ask_to_stop()
        rest = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    assert rest[-1]["choices"][0]["finish_reason"] == "length"
    server.stop()
    assert not server.engine.accepts


def test_a_failed_step_is_a_503_and_the_server_goes_on(server):
    before = server.engine.model.forward

    def broken(*args, **kwargs):
        server.engine.model.forward = before
        raise RuntimeError("device lost")

    server.engine.model.forward = broken
    body = {"model": "a0", "prompt": "hello", "max_tokens": 4}
    got = server.http().post("/v1/completions", json=body)
    assert got.status_code == 503
    assert server.http().post("/v1/completions", json=body).status_code == 200


def test_health_tells_a_failed_engine(server):
    assert server.http().get("/health").json() == {"status": "ok"}

    def broken(*args):
        raise RuntimeError("no pages")

    server.engine._manager.batch_processor.prepare_next_batch = broken
    body = {"model": "a0", "prompt": "hello", "max_tokens": 4}
    assert server.http().post("/v1/completions", json=body).status_code == 503
    got = server.http().get("/health")
    assert (got.status_code, got.json()["status"]) == (503, "failed")
    assert got.json()["reason"].startswith("RuntimeError at test_interruptions.py:")
