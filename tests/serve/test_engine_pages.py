"""The cache of pages: full, shared again, or not to be had."""

import pytest

from tests.serve.requests import check, params, run_all


def test_a_full_cache_takes_pages_back_and_resumes(serving):
    with serving.engine(adapters=4, cache_tokens=512, max_active=4) as engine:
        manager = engine._manager.batch_processor.offloading_manager
        taken = []
        before = manager.offload_requests
        manager.offload_requests = lambda: taken.append(1) or before()
        requests = [(f"a{i}", serving.prompt(i, 90)) for i in range(4)]
        served = run_all(engine, requests, 120)
        engine.close()
        check(serving, engine.model, engine.adapters, served)
    assert taken
    assert all(len(tokens) == 120 for *_, tokens in served)


@pytest.mark.parametrize("how", ["cancelled", "stopped", "failed"])
def test_a_full_cache_is_shared_again_however_requests_leave(serving, how):
    with serving.engine(cache_tokens=512, max_active=4) as engine:
        scheduler = engine._manager.batch_processor.scheduler
        first = engine.submit(serving.prompt(0, 150), params=params(200))
        second = engine.submit(serving.prompt(1, 150), params=params(300))
        chunks = iter(second)
        while not scheduler.block_new_requests:
            next(chunks)
        # one of them gave up its pages; the other leaves without finishing
        runs = next(iter(scheduler.active_requests))
        request = engine._running.active[runs]
        other = second if request.prompt[:3] == serving.prompt(0, 150)[:3] else first
        if how == "cancelled":
            engine._cancel(request)
        elif how == "stopped":
            request.stream.stopped = True
        else:
            before = engine.model.forward

            def broken(*args, **kwargs):
                engine.model.forward = before
                raise RuntimeError("no memory")

            engine.model.forward = broken
        assert engine.drain(30)
        assert other.result().finish == "length"


def test_a_cache_that_can_not_be_made_leaves_the_model_as_it_was(serving, tiny, monkeypatch):
    from t2l_fast.serve import Engine
    from t2l_fast.serve.engine import transformers_loop

    def broken(**kwargs):
        raise MemoryError("no room")

    monkeypatch.setattr(transformers_loop, "SlotIOs", broken)
    model, adapters = serving.attached()
    with pytest.raises(MemoryError):
        Engine(model, tiny.tokenizer(), adapters)
    assert model.config._attn_implementation == "sdpa"
