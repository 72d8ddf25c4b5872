"""Whatever ends the engine's loop, nobody waits for ever, and the server says so."""

import threading
import time
from pathlib import Path

import pytest

from t2l_fast.errors import EngineError, MissingPackage
from t2l_fast.serve import Engine, SamplingParams
from t2l_fast.serve.engine import transformers_loop
from t2l_fast.serve.engine.supported import NEWEST, OLDEST, check_transformers

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
LONG = SamplingParams(max_tokens=900, ignore_eos=True)


def die(error: BaseException):
    def dying(*args, **kwargs):
        raise error

    return dying


def changed(*args, something_new):
    raise AssertionError("not reached")


CAUSES = {
    "an error": die(RuntimeError("no pages")),
    "a signature that changed": changed,
    "an exit": die(SystemExit(3)),
    "no memory": die(MemoryError()),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_loop_that_dies_at_its_start_raises_and_leaves_the_model_as_it_was(
    serving, tiny, monkeypatch, cause
):
    processor = transformers_loop.ContinuousBatchProcessor
    monkeypatch.setattr(processor, "prepare_next_batch", CAUSES[cause])
    model, adapters = serving.attached()
    began = time.perf_counter()
    with pytest.raises(EngineError, match="ended at its start, got "):
        Engine(model, tiny.tokenizer(), adapters)
    assert time.perf_counter() - began < 5
    assert model.config._attn_implementation == "sdpa"
    assert not [t for t in threading.enumerate() if t.name == "t2l-engine"]


def test_a_thread_that_can_not_enter_the_loop_raises_too(serving, tiny, monkeypatch):
    manager = transformers_loop.ContinuousBatchingManager  # 5.24 changed this one
    monkeypatch.setattr(manager, "_run_generation_loop", changed)
    model, adapters = serving.attached()
    with pytest.raises(EngineError, match="something_new"):
        Engine(model, tiny.tokenizer(), adapters)


def test_a_loop_that_returns_unasked_is_a_failure(serving, tiny, monkeypatch):
    manager = transformers_loop.ContinuousBatchingManager
    monkeypatch.setattr(manager, "_run_generation_loop", lambda self: None)
    model, adapters = serving.attached()
    with pytest.raises(EngineError, match="without being asked"):
        Engine(model, tiny.tokenizer(), adapters)


def test_a_loop_that_does_not_turn_raises_in_time(serving, tiny, monkeypatch):
    gate = threading.Event()
    processor = transformers_loop.ContinuousBatchProcessor
    monkeypatch.setattr(transformers_loop, "START_SECONDS", 0.3)
    monkeypatch.setattr(processor, "prepare_next_batch", lambda self: gate.wait(30) and False)
    model, adapters = serving.attached()
    try:
        with pytest.raises(EngineError, match="must turn within"):
            Engine(model, tiny.tokenizer(), adapters)
        assert model.config._attn_implementation == "sdpa"
    finally:
        gate.set()


@pytest.mark.parametrize("cause", CAUSES)
def test_a_loop_that_dies_in_mid_flight_ends_every_request_and_errand(serving, cause):
    with serving.engine(adapters=2, max_active=2) as engine:
        running = engine.submit([5, 6], adapter="a0", params=LONG)
        next(iter(running))
        waiting = [engine.submit([5, 6], adapter="a1", params=LONG) for _ in range(4)]
        with serving.held(engine):
            errands = [engine.run(lambda: None) for _ in range(3)]
            engine._manager.batch_processor.prepare_next_batch = CAUSES[cause]
        for ticket in (running, *waiting):
            with pytest.raises(EngineError, match="the engine failed, got "):
                ticket.result()
        with pytest.raises(EngineError):
            errands[-1].result(30)
        assert all(errand.done() for errand in errands)
        assert engine.failure is not None
        assert not engine.accepts
        assert (engine.active, engine.queued) == (0, 0)
        for refused in (lambda: engine.submit([5]), lambda: engine.run(lambda: None)):
            with pytest.raises(EngineError, match="make a new one"):
                refused()
    assert not any(engine.bank._pins)
    assert engine.model.config._attn_implementation == "sdpa"


def test_one_lease_that_can_not_be_released_leaves_no_other_request_waiting(serving):
    with serving.engine(adapters=2, max_active=4) as engine:
        tickets = [engine.submit([5, 6], adapter=a, params=LONG) for a in ("a0", "a1", None)]
        for ticket in tickets:
            next(iter(ticket))
        with serving.held(engine):
            first = next(iter(engine._running.active.values()))
            release = first.lease.release
            first.lease.release = die(RuntimeError("odd"))
            engine._manager.batch_processor.prepare_next_batch = die(RuntimeError("no pages"))
        for ticket in tickets:
            with pytest.raises(EngineError, match="no pages"):
                ticket.result()
        release()


def test_health_says_in_one_line_why_the_engine_failed(served):
    server = served(adapters=1)
    with server.http() as http:
        assert http.get("/health").json() == {"status": "ok"}
        engine = server.engine
        engine._manager.batch_processor.prepare_next_batch = die(RuntimeError("secret prompt"))
        while engine.accepts:
            time.sleep(0.01)
        answer = http.get("/health")
        assert answer.status_code == 503
        body = answer.json()
        assert body["status"] == "failed"
        assert body["reason"].startswith("RuntimeError at test_loop_death.py:")
        assert "secret" not in answer.text and "/" not in body["reason"]
        asked = {"model": "tiny", "prompt": [5, 6], "max_tokens": 2}
        assert http.post("/v1/completions", json=asked).status_code == 503


@pytest.mark.parametrize("version", ["5.0.0", "5.16.1", "5.19.2", "4.57.0"])
def test_releases_that_are_too_old_are_refused_with_one_sentence(version):
    with pytest.raises(MissingPackage, match=rf"needs transformers 5.20 to .* got {version}: pip"):
        check_transformers(version)


def test_releases_that_were_run_are_taken_silently_and_newer_ones_with_a_warning(caplog):
    for major, minor in (OLDEST, NEWEST):
        check_transformers(f"{major}.{minor}.3")
    assert not caplog.records
    check_transformers("5.99.0.dev0")
    assert "5.99.0.dev0, tested with 5.20 to 5.24" in caplog.text


def test_the_package_declares_the_releases_that_were_run():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    extra = project["optional-dependencies"]["serve"]
    (oldest, newest), after = (OLDEST, NEWEST), NEWEST[1] + 1
    assert f"transformers>={oldest[0]}.{oldest[1]},<{newest[0]}.{after}" in extra
