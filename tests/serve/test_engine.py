"""The engine: every request under its own adapter, whatever runs beside it."""

import threading

import pytest
import torch

from t2l_fast.errors import ArgumentError, EngineError, QueueFull, T2LError, UnknownAdapter
from t2l_fast.serve import SamplingParams

TOLERANCE = 1e-3


def params(count: int, **options) -> SamplingParams:
    return SamplingParams(max_tokens=count, **({"ignore_eos": True} | options))


def check(serving, model, adapters, served) -> None:
    """`served`: (adapter, prompt, tokens). Each replayed alone, after the engine was closed."""
    for adapter, prompt, tokens in served:
        assert serving.shortfall(model, adapters, adapter, prompt, tokens) <= TOLERANCE


def run_all(engine, requests, count):
    """`requests`: (adapter, prompt); all at once."""
    tickets = [engine.submit(p, adapter=a, params=params(count)) for a, p in requests]
    return [(a, p, t.result().tokens) for (a, p), t in zip(requests, tickets, strict=True)]


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one after the other"])
@pytest.mark.parametrize("budget", [2048, 64], ids=["whole prompts", "prompts in pieces"])
def test_one_long_prompt_under_base_and_two_adapters(serving, together, budget):
    prompt = serving.prompt(0, 600)
    with serving.engine(adapters=2, max_batch_tokens=budget) as engine:
        requests = [(None, prompt), ("a0", prompt), ("a1", prompt), ("a0", prompt)]
        if together:
            served = run_all(engine, requests, 12)
        else:
            served = [run_all(engine, [request], 12)[0] for request in requests]
        engine.close()
        check(serving, engine.model, engine.adapters, served)
    base, a0, a1, again = (tokens for *_, tokens in served)
    assert len({base, a0, a1}) == 3
    assert a0 == again


@pytest.mark.parametrize(
    "options",
    [{}, {"num_key_value_heads": 4}, {"num_key_value_heads": 1}],
    ids=["grouped heads", "full heads", "one key head"],
)
def test_ragged_company(serving, options):
    lengths = [1, 2, 3, 17, 16, 15, 33, 100, 1, 40, 41, 200]
    with serving.engine(adapters=5, model_options=options) as engine:
        requests = [
            ((None, "a0", "a1", "a2", "a3", "a4")[i % 6], serving.prompt(i, n))
            for i, n in enumerate(lengths)
        ]
        served = run_all(engine, requests, 20)
        engine.close()
        check(serving, engine.model, engine.adapters, served)


def test_a_model_with_sliding_windows(serving, tiny):
    import transformers as tf

    options = dict(kind=tf.MistralForCausalLM, config=tf.MistralConfig, sliding_window=24)
    with serving.engine(adapters=2, model_options=options) as engine:
        requests = [(a, serving.prompt(i, 70)) for i, a in enumerate((None, "a0", "a1"))]
        served = run_all(engine, requests, 8)
        engine.close()
        engine.model.set_attn_implementation("eager")
        check(serving, engine.model, engine.adapters, served)


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


def test_text_that_fails_fails_its_request_alone(serving):
    with serving.engine(adapters=1) as engine:
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


def test_more_adapters_than_slots_wait_their_turn(serving):
    with serving.engine(adapters=12, slots=2) as engine:
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
        with pytest.raises(QueueFull, match="3 of one tenant"):
            engine.submit_all(many, [params(2)] * 4, sinks=[None] * 4)
        assert engine.queued == 0
        engine.submit_all(many[:3], [params(2)] * 3, sinks=[None] * 3, tenant="x")
        with pytest.raises(QueueFull, match="try again later"):
            engine.submit_all(many[:2], [params(2)] * 2, sinks=[None] * 2, tenant="y")
        engine.submit([5, 6], params=params(2), tenant="y")


def test_cancelling_a_running_and_a_waiting_request(serving):
    with serving.engine(adapters=2, slots=1) as engine:
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


def test_a_cancelled_request_frees_its_pages(serving):
    with serving.engine(cache_tokens=512) as engine:
        for _ in range(6):
            ticket = engine.submit(serving.prompt(0, 200), params=params(200))
            next(iter(ticket))
            ticket.cancel()
            assert ticket.result().finish == "cancelled"
        assert len(engine.submit(serving.prompt(0, 400), params=params(50)).result().tokens) == 50


def test_stop_strings_end_a_request_and_free_its_slot(serving, tiny):
    with serving.engine(adapters=1) as engine:
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


def test_the_end_of_sequence_ends_an_answer(serving):
    with serving.engine() as engine:
        whole = engine.submit([5, 6, 7], params=params(30)).result()
        engine._eos = frozenset(whole.tokens[9:10])
        at = whole.tokens.index(whole.tokens[9])
        cut = engine.submit([5, 6, 7], params=params(30, ignore_eos=False)).result()
    assert (cut.finish, cut.tokens) == ("stop", whole.tokens[: at + 1])
    assert whole.finish == "length"


def test_equal_seeds_draw_alike_in_any_company(serving):
    asked = params(16, temperature=1.5, seed=7)
    with serving.engine(adapters=3) as engine:
        alone = engine.submit([5, 6], adapter="a0", params=asked).result().tokens
        tickets = [
            engine.submit(
                [5, 6] if i == 3 else serving.prompt(i, 9),
                adapter="a0" if i == 3 else f"a{i % 3}",
                params=asked if i == 3 else params(16, temperature=1.0),
            )
            for i in range(6)
        ]
        results = [ticket.result().tokens for ticket in tickets]
        other = engine.submit([5, 6], adapter="a0", params=params(16, temperature=1.5, seed=8))
        unseeded = [
            engine.submit([5, 6], params=params(16, temperature=1.5)).result().tokens
            for _ in range(2)
        ]
        assert results[3] == alone != other.result().tokens
        assert unseeded[0] != unseeded[1]


def test_log_probabilities_are_the_models_own(serving):
    prompt = serving.prompt(1, 8)
    with serving.engine(adapters=1) as engine:
        got = engine.submit(
            prompt, adapter="a0", params=params(6, logprobs=3, temperature=0.7, seed=1)
        ).result()
        engine.close()
        with torch.no_grad(), engine.bank.lease(["a0"]) as lease, engine.adapters.use(lease):
            logits = engine.model(torch.tensor([[*prompt, *got.tokens]])).logits[0, 7:-1]
    logs = logits.log_softmax(-1)
    for row, token, found in zip(logs, got.tokens, got.logprobs, strict=True):
        assert found.logprob == pytest.approx(float(row[token]), abs=1e-3)
        assert [v for _, v in found.top] == pytest.approx(row.topk(3).values.tolist(), abs=1e-3)


@pytest.mark.parametrize(
    ("prompt", "count", "words"),
    [
        ([], 4, "got none"),
        ([5, 10_000], 4, "token ids from 0 to"),
        ([-1], 4, "token ids from 0 to"),
        ([5] * 600, 600, "together may have"),
        ([5] * 400, 200, "together may have"),
    ],
    ids=["empty", "beyond the vocabulary", "negative", "beyond positions", "beyond the cache"],
)
def test_bad_prompts_are_refused_at_once(serving, prompt, count, words):
    cache = 512 if len(prompt) == 400 else 8192
    with serving.engine(cache_tokens=cache) as engine, pytest.raises(ArgumentError, match=words):
        engine.submit(prompt, params=params(count))


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


def test_a_step_that_fails_ends_its_requests_and_no_others(serving):
    with serving.engine(adapters=1) as engine:
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


def test_closing_in_a_hurry_cancels_what_is_left(serving):
    with serving.engine(max_active=1) as engine:
        tickets = [engine.submit([5, 6], params=params(900)) for _ in range(3)]
        engine.close(timeout=0.05)
        assert {t.result().finish for t in tickets} <= {"cancelled", "length"}
        assert tickets[-1].result  # it ended


def test_errands_run_between_steps_and_report_failures(serving):
    with serving.engine() as engine:
        ticket = engine.submit([5, 6], params=params(200))
        thread = engine.run(threading.current_thread).result(30)
        assert thread.name == "t2l-engine"
        with pytest.raises(T2LError, match="odd"):
            engine.run(lambda: (_ for _ in ()).throw(ArgumentError("odd"))).result(30)
        assert len(ticket.result().tokens) == 200


def test_a_sink_that_fails_cancels_its_request(serving):
    def deaf(chunk):
        raise RuntimeError("nobody listens")

    with serving.engine(adapters=1) as engine:
        engine.submit([5, 6], adapter="a0", params=params(900), sink=deaf)
        assert engine.drain(30)
    assert engine.stats.requests["cancelled"] == 1
    assert not any(engine.bank._pins)


def test_adapters_on_the_output_head(serving, tiny):
    import t2l_fast as t2l
    from t2l_fast.serve import Engine, EngineConfig

    model = tiny.model()
    adapters = t2l.attach(model, t2l.LoraConfig(("lm_head", "q_proj"), 4, 4), num_slots=2)
    batch = t2l.LoraBatch.init(adapters.config, adapters.sites, num_adapters=1)
    for tensors in (batch.lora_a, batch.lora_b):
        for tensor in tensors.values():
            torch.nn.init.normal_(tensor)
    adapters.bank.register(weights=batch, names=["a"])
    prompt = serving.prompt(0, 30)
    with Engine(model, tiny.tokenizer(), adapters, EngineConfig(cache_tokens=512)) as engine:
        served = run_all(engine, [("a", prompt), (None, prompt)], 8)
    check(serving, model, adapters, served)
    assert served[0][2] != served[1][2]
