"""`echo` and the log probabilities of prompts, as lm-evaluation-harness asks for them."""

import asyncio
import json
import threading

import pytest
import torch

from t2l_fast.serve.http.echo import scored
from tests.serve.asking import CHAT


@pytest.fixture(scope="module")
def shared(served_to_all):
    return served_to_all(adapters=3, slots=2, chat_template=CHAT)


def ask(server, **change):
    body = {"model": "a0", "prompt": "hello", "temperature": 0, "ignore_eos": True, **change}
    got = server.http().post("/v1/completions", json=body)
    assert got.status_code == 200, got.text
    return got.json()


@torch.no_grad()
def truth(server, adapter, ids):
    """Log probabilities of each token after the first, `[T - 1, vocab]`, by the model alone."""
    engine = server.engine

    def run():
        before = engine.model.config._attn_implementation
        engine.model.set_attn_implementation("eager")
        with engine.bank.lease([adapter]) as lease, engine.adapters.use(lease):
            logits = engine.model(torch.tensor([ids]), use_cache=False).logits[0, :-1]
        engine.model.set_attn_implementation(before)
        return logits.double().log_softmax(-1)

    return engine.run(run).result()


@pytest.mark.parametrize("count", [0, 1], ids=lambda c: f"max_tokens {c}")
@pytest.mark.parametrize("model", ["tiny", "a0", "a1"])
def test_log_probabilities_of_a_prompt_are_the_models(shared, model, count):
    ids = shared.engine.tokenizer("hello you").input_ids
    got = ask(shared, model=model, prompt=ids, echo=True, logprobs=2, max_tokens=count)
    found = got["choices"][0]["logprobs"]
    want = truth(shared, None if model == "tiny" else model, ids)
    own = want.gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    assert found["token_logprobs"][0] is found["top_logprobs"][0] is None
    given = torch.tensor(found["token_logprobs"][1 : len(ids)]).double()
    assert torch.allclose(given, own, atol=1e-4)
    best = want.topk(2).values
    for top, values in zip(found["top_logprobs"][1 : len(ids)], best.tolist(), strict=True):
        assert sorted(top.values())[-2:] == pytest.approx(values[::-1], abs=1e-4)
        assert len(top) in (2, 3)  # the token's own beside the likeliest
    assert {len(part) for part in found.values()} == {len(ids) + count}
    assert got["usage"] == {
        "prompt_tokens": len(ids),
        "completion_tokens": count,
        "total_tokens": len(ids) + count,
    }
    assert got["choices"][0]["finish_reason"] == "length"


def test_adapters_score_differently(shared):
    scores = [
        ask(shared, model=m, echo=True, logprobs=0, max_tokens=0)["choices"][0]["logprobs"]
        for m in ("tiny", "a0", "a1")
    ]
    assert len({s["token_logprobs"][-1] for s in scores}) == 3


def counted(engine, monkeypatch):
    """Record the tokens of each forward that follows."""
    lengths, forward = [], engine.model.forward

    def seen(*args, **kwargs):
        lengths.append(kwargs["input_ids"].shape[1])
        return forward(*args, **kwargs)

    monkeypatch.setattr(engine.model, "forward", seen)
    return lengths


def test_a_prompt_longer_than_a_piece(shared, monkeypatch):
    ids = list(range(5, 45))
    whole = ask(shared, prompt=ids, echo=True, logprobs=1, max_tokens=0)
    monkeypatch.setattr(shared.engine.scorer, "piece", 7)
    forwards = counted(shared.engine, monkeypatch)
    pieces = ask(shared, prompt=ids, echo=True, logprobs=1, max_tokens=0)
    first, second = (g["choices"][0]["logprobs"]["token_logprobs"][1:] for g in (whole, pieces))
    assert first == pytest.approx(second, abs=1e-4)
    assert forwards == [7, 7, 7, 7, 7, 4]


@pytest.mark.parametrize("logprobs", [None, 1])
@pytest.mark.parametrize("count", [0, 5])
def test_the_text_of_an_echo(shared, logprobs, count):
    prompts = ["hello", [8, 9], "you"]
    options = dict(prompt=prompts, n=2, seed=3, max_tokens=count, logprobs=logprobs)
    plain = ask(shared, **options | {"max_tokens": max(count, 1)})
    echoed = ask(shared, echo=True, **options)
    texts = ["hello", shared.engine.tokenizer.decode([8, 9]), "you"]
    for i, (choice, without) in enumerate(zip(echoed["choices"], plain["choices"], strict=True)):
        assert choice["text"] == texts[i // 2] + (without["text"] if count else "")
        assert choice["index"] == i
        if logprobs:
            found = choice["logprobs"]
            places = zip(found["tokens"], found["text_offset"], strict=True)
            assert all(choice["text"][at:].startswith(t) for t, at in places if len(t) == 1)
    assert echoed["usage"]["completion_tokens"] == 6 * count


@pytest.mark.parametrize("count", [0, 5])
def test_a_stream_begins_with_the_echo(shared, count):
    options = dict(prompt=["hello", [8, 9]], n=2, seed=3, max_tokens=count, logprobs=1, echo=True)
    whole = ask(shared, **options)
    body = {"model": "a0", "temperature": 0, "ignore_eos": True, "stream": True} | options
    with shared.http().stream("POST", "/v1/completions", json=body) as stream:
        pieces = [json.loads(line[6:]) for line in stream.iter_lines() if line[6:7] == "{"]
    for choice in whole["choices"]:
        mine = [c for p in pieces for c in p["choices"] if c["index"] == choice["index"]]
        assert "".join(c["text"] for c in mine) == choice["text"]
        for name, values in choice["logprobs"].items():
            parts = [v for c in mine if c["logprobs"] for v in c["logprobs"][name]]
            assert parts == values
        assert [c["finish_reason"] for c in mine if c["finish_reason"]] == ["length"]


def test_scores_wait_for_a_slot(shared, serving):
    """Both slots are pinned when the score begins."""
    engine = shared.engine
    with engine.bank.lease(["a0"]), engine.bank.lease(["a1"]):
        texts = []
        asking = threading.Thread(
            target=lambda: texts.append(ask(shared, model="a2", echo=True, logprobs=0))
        )
        asking.start()
        asking.join(0.5)
        assert not texts
    asking.join(30)
    assert texts[0]["choices"][0]["logprobs"]["token_logprobs"][0] is None


def test_a_client_that_hangs_up_while_a_score_begins_pins_no_slot(serving, monkeypatch):
    with serving.engine(adapters=1, slots=1) as engine:
        begin, leased, gone = engine.scorer.begin, threading.Event(), threading.Event()

        def slow(*args):
            score = begin(*args)
            leased.set()
            assert gone.wait(30)
            return score

        monkeypatch.setattr(engine.scorer, "begin", slow)

        async def hang_up():
            asking = asyncio.create_task(scored(engine, [5, 6, 7], "a0", 0, ""))
            await asyncio.to_thread(leased.wait, 30)
            asking.cancel()
            await asyncio.wait([asking])

        asyncio.run(hang_up())
        assert any(engine.bank._pins)
        gone.set()
        engine.run(lambda: None).result()
        assert not any(engine.bank._pins)


@pytest.mark.parametrize("prompt", [[100_000], [5] * 2000], ids=["unknown", "long"])
def test_prompts_that_can_not_be_scored(shared, prompt):
    body = {"model": "a0", "prompt": prompt, "echo": True, "logprobs": 1, "max_tokens": 0}
    got = shared.http().post("/v1/completions", json=body)
    assert got.status_code == 400
    assert "prompt" in got.json()["error"]["message"]


def test_an_engine_that_is_closed_meanwhile(served):
    server = served(adapters=1)
    server.engine.close()
    body = {"model": "a0", "prompt": "x", "echo": True, "logprobs": 1, "max_tokens": 0}
    assert server.http().post("/v1/completions", json=body).status_code == 503
