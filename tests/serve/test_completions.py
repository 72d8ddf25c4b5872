"""Chat and completions, driven by OpenAI's own client."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import torch

from t2l_fast.serve import SamplingParams
from t2l_fast.serve.tenants.limits import Limits

CHAT = (
    "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)
GREEDY = dict(temperature=0, max_tokens=12, extra_body={"ignore_eos": True})


def direct(server, text: str, adapter, count=12, **options) -> str:
    """What the engine answers to a plain prompt."""
    ids = server.engine.tokenizer(text).input_ids
    params = SamplingParams(max_tokens=count, ignore_eos=True, **options)
    return server.engine.submit(ids, adapter=adapter, params=params).result().text


def strong(generator):
    """A generator whose adapters change answers."""
    torch.manual_seed(0)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return generator


@pytest.fixture
def server(served):
    return served(adapters=3, chat_template=CHAT)


@pytest.fixture(scope="module")
def shared(served_to_all):
    """The same, for tests that leave it as it was."""
    return served_to_all(adapters=3, chat_template=CHAT)


@pytest.mark.parametrize(("model", "adapter"), [("tiny", None), ("a0", "a0"), ("a1", "a1")])
def test_a_completion_is_the_engines_answer(shared, model, adapter):
    got = shared.openai().completions.create(model=model, prompt="hello", **GREEDY)
    assert got.choices[0].text == direct(shared, "hello", adapter)
    assert got.choices[0].finish_reason == "length"
    assert got.model == model
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (6, 12)


def test_a_prompt_may_be_token_ids(shared):
    ids = shared.engine.tokenizer("hello").input_ids
    got = shared.openai().completions.create(model="a0", prompt=ids, **GREEDY)
    assert got.choices[0].text == direct(shared, "hello", "a0")


def test_chat_goes_by_the_chat_template(shared):
    messages = [
        {"role": "developer", "content": "be kind"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}],
        },
    ]
    got = shared.openai().chat.completions.create(model="a0", messages=messages, **GREEDY)
    # written by the template, so without a beginning of sequence of the tokenizer's
    ids = shared.engine.tokenizer("s:be kind;u:hello;a:", add_special_tokens=False).input_ids
    params = SamplingParams(max_tokens=12, ignore_eos=True)
    want = shared.engine.submit(ids, adapter="a0", params=params).result()
    assert got.choices[0].message.content == want.text
    assert got.choices[0].message.role == "assistant"
    assert got.usage.prompt_tokens == len(ids)


@pytest.mark.parametrize("kind", ["chat", "text"])
def test_a_stream_adds_up_to_the_whole(shared, kind):
    client = shared.openai()
    options = GREEDY | dict(model="a1", n=2, seed=5, temperature=1.0)
    streamed = options | dict(stream=True, stream_options={"include_usage": True})
    if kind == "chat":
        messages = [{"role": "user", "content": "hello"}]
        whole = client.chat.completions.create(messages=messages, **options)
        pieces = list(client.chat.completions.create(messages=messages, **streamed))
        texts = [c.message.content for c in whole.choices]
        parts = [(c.index, c.delta.content) for p in pieces for c in p.choices]
        assert [p.choices[0].delta.role for p in pieces[:2]] == ["assistant"] * 2
    else:
        whole = client.completions.create(prompt="hello", **options)
        pieces = list(client.completions.create(prompt="hello", **streamed))
        texts = [c.text for c in whole.choices]
        parts = [(c.index, c.text) for p in pieces for c in p.choices]
    joined = ["".join(text or "" for i, text in parts if i == n) for n in range(2)]
    assert joined == texts
    assert texts[0] != texts[1]
    assert len({p.id for p in pieces}) == 1
    assert pieces[-1].usage == whole.usage
    finishes = [c.finish_reason for p in pieces for c in p.choices if c.finish_reason]
    assert finishes == ["length"] * 2


def test_stop_strings_seeds_and_penalties_reach_the_engine(shared):
    client = shared.openai()
    text = direct(shared, "hello", "a0", 30)
    options = dict(model="a0", prompt="hello", max_tokens=30, extra_body={"ignore_eos": True})
    got = client.completions.create(temperature=0, stop=[text[8:10]], **options)
    assert got.choices[0].text == text[: text.index(text[8:10])]
    assert got.choices[0].finish_reason == "stop"
    drawn = [client.completions.create(seed=s, **options).choices[0].text for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == direct(shared, "hello", "a0", 30, temperature=1.0, seed=1)
    got = client.completions.create(temperature=0, frequency_penalty=2.0, **options)
    assert got.choices[0].text == direct(shared, "hello", "a0", 30, frequency_penalty=2.0)
    extra = {"ignore_eos": True, "top_k": 1, "min_p": 0.5}
    got = client.completions.create(**(options | dict(extra_body=extra, seed=3)))
    assert got.choices[0].text == text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_log_probabilities(shared, stream):
    client = shared.openai()
    text = client.completions.create(model="a0", prompt="hello", logprobs=2, **GREEDY).choices[0]
    found = text.logprobs
    shown = [t for t in found.tokens if len(t) == 1]  # special tokens are no text
    assert "".join(shown) == text.text
    lengths = [len(t) if len(t) == 1 else 0 for t in found.tokens]
    assert found.text_offset == [sum(lengths[:i]) for i in range(12)]
    assert all(
        max(top.values()) == pytest.approx(value)
        for top, value in zip(found.top_logprobs, found.token_logprobs, strict=True)
    )
    messages = [{"role": "user", "content": "hello"}]
    options = dict(model="a0", messages=messages, logprobs=True, top_logprobs=3, **GREEDY)
    if stream:
        pieces = client.chat.completions.create(stream=True, **options)
        content = [
            t
            for p in pieces
            if p.choices and p.choices[0].logprobs
            for t in p.choices[0].logprobs.content
        ]
    else:
        content = client.chat.completions.create(**options).choices[0].logprobs.content
    assert len(content) == 12
    assert all(t.top_logprobs[0].logprob == pytest.approx(t.logprob) for t in content)
    assert [t.top_logprobs[0].token for t in content] == [t.token for t in content]


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
def test_token_ids_on_request(shared, path):
    asked = {"prompt": "hello"} if path == "completions" else {}
    asked = asked or {"messages": [{"role": "user", "content": "hello"}]}
    body = {"model": "a0", "max_tokens": 9, "temperature": 0, "return_token_ids": True} | asked
    http = shared.http()
    whole = http.post(f"/v1/{path}", json=body).json()["choices"][0]["token_ids"]
    with http.stream("POST", f"/v1/{path}", json=body | {"stream": True}) as stream:
        pieces = [json.loads(line[6:]) for line in stream.iter_lines() if line[6:7] == "{"]
    assert whole == [t for p in pieces for t in p["choices"][0]["token_ids"]]
    assert len(whole) > 1


def test_generated_adapters_read_the_generators_template(served, tiny):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator, template="Say {input} =", chat_template=CHAT, adapters=1)
    client = server.openai()
    (name,) = server.engine.run(
        lambda: server.engine.bank.register(texts=["do it"], names=["made"])
    ).result()
    server.app.state.serving.registry._add("made")
    messages = [{"role": "user", "content": "this"}]
    got = client.chat.completions.create(model="made", messages=messages, **GREEDY)
    assert got.choices[0].message.content == direct(server, "Say this =", "made").lstrip()
    trained = client.chat.completions.create(model="a0", messages=messages, **GREEDY)
    assert trained.usage.prompt_tokens == len("u:this;a:")
    with pytest.raises(openai.BadRequestError, match="one user message"):
        client.chat.completions.create(model="made", messages=messages * 2, **GREEDY)


def test_chat_without_a_chat_template(served):
    client = served(adapters=1).openai()
    with pytest.raises(openai.BadRequestError, match="use /v1/completions"):
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x"}])


def test_a_template_that_refuses_its_messages(served):
    server = served(chat_template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(openai.BadRequestError, match="does not take these messages"):
        server.openai().chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "x"}]
        )


def test_a_description_in_place_of_a_name(served, tiny):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator)
    client = server.openai()
    options = dict(prompt="hello", **GREEDY)
    first = client.completions.create(model="t2l:sort the words", **options)
    again = client.completions.create(model="t2l: sort the words.", **options)
    other = client.completions.create(model="t2l:count the words", **options)
    assert first.choices[0].text == again.choices[0].text != other.choices[0].text
    assert len(server.engine.bank) == 2
    (registered,) = server.engine.bank.register(texts=["sort the words"], names=["sort"])
    assert direct(server, "hello", "sort") == first.choices[0].text


def test_a_description_under_another_generator_is_another_adapter(served, tiny):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator)
    client = server.openai()
    ask = dict(model="t2l:sort the words", prompt="hello", **GREEDY)
    first = client.completions.create(**ask).choices[0].text
    with torch.no_grad():
        for head in generator.heads.parameters():
            head.mul_(-2.0)
    second = client.completions.create(**ask).choices[0].text
    assert first != second
    assert len(server.engine.bank) == 2


def test_many_at_once_describe_the_same_task(served, tiny):
    server = served(generator=strong(tiny.generator(tiny.model())))
    texts = []

    def ask():
        got = server.openai().completions.create(model="t2l:do it", prompt="hello", **GREEDY)
        texts.append(got.choices[0].text)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 6
    assert len(set(texts)) == 1
    assert len(server.engine.bank) == 1


def test_models_are_listed_page_by_page(served):
    server = served(adapters=5)
    client = server.openai()
    assert [m.id for m in client.models.list()] == ["tiny", "a0", "a1", "a2", "a3", "a4"]
    assert client.models.retrieve("a3").id == "a3"
    http = server.http()
    page = http.get("/v1/models", params={"limit": 2}).json()
    assert [m["id"] for m in page["data"]] == ["tiny", "a0", "a1"]
    assert page["has_more"]
    page = http.get("/v1/models", params={"limit": 3, "after": "a1"}).json()
    assert [m["id"] for m in page["data"]] == ["a2", "a3", "a4"]
    assert not page["has_more"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "nobody"}, 404, "not registered here"),
        ({"model": ""}, 400, "model"),
        ({"max_tokens": 5000}, 400, "together may have"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"temperature": -1}, 400, "temperature"),
        ({"prompt": [100_000]}, 400, "token ids from 0 to"),
        ({"prompt": []}, 400, "prompt"),
        ({"n": 9}, 400, "n may be up to 8"),
        ({"best_of": 3}, 400, "best_of"),
        ({"logit_bias": {"5": 3}}, 400, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, 400, "needs stream"),
        ({"stop": [""]}, 400, "stop"),
        ({"seed": 2**70}, 400, "seed"),
        ({"model": "1" * 5000}, 404, "not registered here"),
        ({"stop": "x" * 257}, 400, "stop"),
    ],
    ids=str,
)
def test_bad_requests(shared, change, status, words):
    body = {"model": "a0", "prompt": "hello", "max_tokens": 4} | change
    got = shared.http().post("/v1/completions", json=body)
    assert got.status_code == status
    error = got.json()["error"]
    assert words in error["message"]
    assert error["type"] == "invalid_request_error"


def test_a_body_that_is_no_json(shared):
    got = shared.http().post(
        "/v1/completions", content=b"{", headers={"content-type": "application/json"}
    )
    assert got.status_code == 400
    assert "JSON" in got.json()["error"]["message"]


@pytest.mark.parametrize("path", ["completions", "chat/completions"])
@pytest.mark.parametrize("where", ["model", "text", "stop", "user", "role"])
def test_half_a_character_is_refused(shared, path, where):
    bad = "\ud800"
    text = bad if where == "text" else "x"
    body = {"model": bad if where == "model" else "a0", "max_tokens": 2}
    role = bad if where == "role" else "user"
    messages = {"messages": [{"role": role, "content": text}]}
    body |= {"prompt": text} if path == "completions" else messages
    body |= {where: bad} if where in ("stop", "user") else {}
    headers = {"content-type": "application/json"}
    got = shared.http().post(f"/v1/{path}", content=json.dumps(body), headers=headers)
    assert got.status_code == (200 if where == "role" and path == "completions" else 400)


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
    assert got.json()["reason"].startswith("RuntimeError at test_completions.py:")


def test_default_length_of_a_chat(served):
    server = served(chat_template=CHAT, limits=Limits(default_tokens=7))
    options = dict(messages=[{"role": "user", "content": "x"}], model="tiny", temperature=0)
    extra = {"ignore_eos": True}
    got = server.openai().chat.completions.create(extra_body=extra, **options)
    assert got.usage.completion_tokens == 7
    got = server.openai().chat.completions.create(
        extra_body=extra, max_completion_tokens=9, **options
    )
    assert got.usage.completion_tokens == 9
