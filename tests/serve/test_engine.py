"""The engine: every request under its own adapter, whatever runs beside it."""

import pytest
import torch

from t2l_fast.errors import ArgumentError
from tests.serve.requests import check, params, run_all, ways


@ways
@pytest.mark.parametrize("together", [True, False], ids=["at once", "one after the other"])
@pytest.mark.parametrize("budget", [2048, 64], ids=["whole prompts", "prompts in pieces"])
def test_one_long_prompt_under_base_and_two_adapters(serving, attention, together, budget):
    prompt = serving.prompt(0, 600)
    with serving.engine(attention=attention, adapters=2, max_batch_tokens=budget) as engine:
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


@ways
@pytest.mark.parametrize(
    "options",
    [{}, {"num_key_value_heads": 4}, {"num_key_value_heads": 1}],
    ids=["grouped heads", "full heads", "one key head"],
)
def test_ragged_company(serving, attention, options):
    lengths = [1, 2, 3, 17, 16, 15, 33, 100, 1, 40, 41, 200]
    with serving.engine(attention=attention, adapters=5, model_options=options) as engine:
        requests = [
            ((None, "a0", "a1", "a2", "a3", "a4")[i % 6], serving.prompt(i, n))
            for i, n in enumerate(lengths)
        ]
        served = run_all(engine, requests, 20)
        engine.close()
        check(serving, engine.model, engine.adapters, served)


@ways
def test_a_model_with_sliding_windows(serving, attention, tiny):
    import transformers as tf

    options = dict(kind=tf.MistralForCausalLM, config=tf.MistralConfig, sliding_window=24)
    with serving.engine(attention=attention, adapters=2, model_options=options) as engine:
        requests = [(a, serving.prompt(i, 70)) for i, a in enumerate((None, "a0", "a1"))]
        served = run_all(engine, requests, 8)
        engine.close()
        engine.model.set_attn_implementation("eager")
        check(serving, engine.model, engine.adapters, served)


@ways
def test_equal_seeds_draw_alike_in_any_company(serving, attention):
    asked = params(16, temperature=1.5, seed=7)
    with serving.engine(attention=attention, adapters=3) as engine:
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


@ways
def test_log_probabilities_are_the_models_own(serving, attention):
    prompt = serving.prompt(1, 8)
    with serving.engine(attention=attention, adapters=1) as engine:
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
