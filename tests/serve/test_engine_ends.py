"""How requests end: finished, stopped, cancelled or failed, and nothing else with them."""

import pytest

from t2l_fast.errors import EngineError, UnknownAdapter
from tests.serve.requests import check, params, run_all, ways


@ways
def test_cancelling_a_running_and_a_waiting_request(serving, attention):
    with serving.engine(attention=attention, adapters=2, slots=1) as engine:
        with serving.held(engine):
            running = engine.submit([5, 6], adapter="a0", params=params(900))
            waiting = engine.submit([5, 6], adapter="a1", params=params(900))
        first = iter(running)
        assert next(first).tokens
        waiting.cancel()
        assert waiting.result().finish == "cancelled"
        running.cancel()
        rest = list(first)
        assert rest[-1].finish == "cancelled"
        assert len(rest) < 890
        after = engine.submit([5, 6], adapter="a1", params=params(3)).result()
        running.cancel()  # without effect now
        assert after.finish == "length"
    assert not any(engine.bank._pins)
    assert engine.stats.requests == {"stop": 0, "length": 1, "cancelled": 2, "error": 0}


@ways
def test_a_cancelled_request_frees_its_pages(serving, attention):
    with serving.engine(attention=attention, cache_tokens=512) as engine:
        for _ in range(6):
            ticket = engine.submit(serving.prompt(0, 200), params=params(200))
            next(iter(ticket))
            ticket.cancel()
            assert ticket.result().finish == "cancelled"
        assert len(engine.submit(serving.prompt(0, 400), params=params(50)).result().tokens) == 50


@ways
def test_stop_strings_end_a_request_and_free_its_slot(serving, attention, tiny):
    with serving.engine(attention=attention, adapters=1) as engine:
        whole = engine.submit([5, 6, 7], adapter="a0", params=params(40)).result()
        stop = whole.text[10:12]
        cut = engine.submit([5, 6, 7], adapter="a0", params=params(40, stop=(stop,))).result()
    assert cut.finish == "stop"
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert not any(engine.bank._pins)


def test_stop_token_ids_end_an_answer_and_are_no_text(serving):
    with serving.engine() as engine:
        whole = engine.submit([5, 6, 7], params=params(30)).result()
        stop = whole.tokens[9]
        at = whole.tokens.index(stop)
        cut = engine.submit([5, 6, 7], params=params(30, stop_token_ids=(stop,))).result()
        before = engine.submit([5, 6, 7], params=params(at)).result() if at else None
    assert (cut.finish, cut.tokens) == ("stop", whole.tokens[: at + 1])
    assert cut.text == (before.text if before else "")


@ways
def test_the_end_of_sequence_ends_an_answer(serving, attention):
    with serving.engine(attention=attention) as engine:
        whole = engine.submit([5, 6, 7], params=params(30)).result()
        engine._eos = frozenset(whole.tokens[9:10])
        at = whole.tokens.index(whole.tokens[9])
        cut = engine.submit([5, 6, 7], params=params(30, ignore_eos=False)).result()
    assert (cut.finish, cut.tokens) == ("stop", whole.tokens[: at + 1])
    assert whole.finish == "length"


def test_closing_finishes_what_runs_and_leaves_the_model_as_it_was(serving, tiny):
    with serving.engine(adapters=2) as engine:
        assert engine.model.config._attn_implementation != "sdpa"
        tickets = [engine.submit([5, 6], adapter=a, params=params(30)) for a in ("a0", "a1", None)]
        engine.close()
        assert [len(t.result().tokens) for t in tickets] == [30, 30, 30]
        assert engine.model.config._attn_implementation == "sdpa"
        with pytest.raises(EngineError, match="closed"):
            engine.submit([5])
        with pytest.raises(EngineError, match="closed"):
            engine.run(lambda: None)
        engine.close()


@ways
def test_closing_in_a_hurry_cancels_what_is_left(serving, attention):
    with serving.engine(attention=attention, max_active=1) as engine:
        tickets = [engine.submit([5, 6], params=params(900)) for _ in range(3)]
        engine.close(timeout=0.05)
        assert {t.result().finish for t in tickets} <= {"cancelled", "length"}
        assert tickets[-1].result  # it ended


@ways
def test_a_sink_that_fails_cancels_its_request(serving, attention):
    def deaf(chunk):
        raise RuntimeError("nobody listens")

    with serving.engine(attention=attention, adapters=1) as engine:
        engine.submit([5, 6], adapter="a0", params=params(900), sink=deaf)
        assert engine.drain(30)
    assert engine.stats.requests["cancelled"] == 1
    assert not any(engine.bank._pins)


@ways
def test_text_that_fails_fails_its_request_alone(serving, attention):
    with serving.engine(attention=attention, adapters=1) as engine:
        with serving.held(engine):
            bad = engine.submit([5, 6], adapter="a0", params=params(5))
            good = engine.submit([5, 6], adapter="a0", params=params(5))
            request = engine._running.waiting.peek(1)[0]

            def broken(token):
                raise ValueError("Invalid prefix encountered")

            request.stream.push = broken
        with pytest.raises(ValueError, match="Invalid prefix"):
            bad.result()
        assert len(good.result().tokens) == 5
        assert engine.failure is None
    assert not any(engine.bank._pins)


def test_a_generator_that_fails_fails_its_requests_alone(serving, tiny):
    generator = tiny.generator(tiny.model())
    with serving.engine(generator=generator, adapters=1) as engine:
        (coded,) = engine.bank.register(texts=["do it"])

        def broken(*args):
            raise RuntimeError("no memory")

        generator.generate_into = broken
        with serving.held(engine):
            bad = engine.submit([5], adapter=coded, params=params(3))
            good = engine.submit([5], adapter="a0", params=params(3))
        with pytest.raises(RuntimeError, match="no memory"):
            bad.result()
        assert len(good.result().tokens) == 3
        del generator.generate_into
        assert len(engine.submit([5], adapter=coded, params=params(3)).result().tokens) == 3


@ways
def test_a_step_that_fails_ends_its_requests_and_no_others(serving, attention):
    with serving.engine(attention=attention, adapters=1) as engine:
        before = engine.model.forward

        def broken(*args, **kwargs):
            engine.model.forward = before
            raise RuntimeError("device lost")

        with serving.held(engine):
            engine.model.forward = broken
            bad = engine.submit(serving.prompt(0, 9), adapter="a0", params=params(3))
        with pytest.raises(EngineError, match="device lost"):
            bad.result()
        served = run_all(engine, [("a0", serving.prompt(0, 9))], 5)
        engine.close()
        check(serving, engine.model, engine.adapters, served)
    assert not any(engine.bank._pins)


def test_a_loop_that_fails_fails_everything_and_says_so(serving):
    with serving.engine(max_active=1) as engine:
        with serving.held(engine):
            tickets = [engine.submit([5], params=params(3)) for _ in range(3)]

            def broken(*args):
                raise RuntimeError("no pages")

            engine._manager.batch_processor.prepare_next_batch = broken
        for ticket in tickets:
            with pytest.raises(EngineError, match="no pages"):
                ticket.result()
        with pytest.raises(EngineError, match="make a new one"):
            engine.submit([5])
        assert isinstance(engine.failure, RuntimeError)


@pytest.mark.parametrize("adapter", [object(), ["a0"], 1.5], ids=["object", "list", "float"])
def test_what_can_be_no_adapter_is_named_by_its_type(serving, adapter):
    with serving.engine(adapters=1) as engine:
        with pytest.raises(UnknownAdapter, match=f"got a {type(adapter).__name__}: name one"):
            engine.submit([5], adapter=adapter)


def test_unknown_and_forgotten_adapters(serving):
    with serving.engine(adapters=2) as engine:
        with pytest.raises(UnknownAdapter, match="'nobody'"):
            engine.submit([5], adapter="nobody")
        with serving.held(engine):
            gone = engine.submit([5], adapter="a0", params=params(3))
            fine = engine.submit([5], adapter="a1", params=params(3))
            engine.bank.forget(["a0"])
        with pytest.raises(UnknownAdapter):
            gone.result()
        assert len(fine.result().tokens) == 3
