"""Completions and their parameters, driven by OpenAI's own client."""

import json

import pytest

from t2l_fast.serve.config import Limits
from tests.serve.asking import CHAT, GREEDY, direct


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
    if status == 400 and change != {"prompt": [100_000]}:
        assert error["param"] == ("prompt" if "together" in words else next(iter(change)))


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


PROMPTS = [
    ["hello"],
    ["hello", "you"],
    ["hello", "hello", "hello"],
    [[7, 8, 9], [7]],
    [[7, 8, 9]],
    ["hello", [7, 8, 9]],
]


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("prompts", PROMPTS, ids=str)
def test_a_list_of_prompts_has_choices_for_each_in_order(shared, prompts, n):
    client = shared.openai()
    options = dict(model="a0", max_tokens=6, seed=5, extra_body={"ignore_eos": True}, n=n)
    alone = [client.completions.create(prompt=p, **options) for p in prompts]
    got = client.completions.create(prompt=prompts, **options)
    assert [c.index for c in got.choices] == list(range(n * len(prompts)))
    assert [c.text for c in got.choices] == [c.text for one in alone for c in one.choices]
    assert got.usage.prompt_tokens == sum(one.usage.prompt_tokens for one in alone)
    assert got.usage.completion_tokens == 6 * n * len(prompts)
    streamed = client.completions.create(prompt=prompts, stream=True, **options)
    texts = [""] * (n * len(prompts))
    for choice in (c for piece in streamed for c in piece.choices):
        texts[choice.index] += choice.text
    assert texts == [c.text for c in got.choices]


def test_more_prompts_than_may_wait_together(served):
    server = served(limits=Limits(prompts=5), max_queue=4)
    body = {"model": "tiny", "max_tokens": 2}
    for count, words in ((6, "prompt may be up to 5"), (5, "up to 4 requests may be queued")):
        got = server.http().post("/v1/completions", json=body | {"prompt": ["x"] * count})
        assert got.status_code == 400
        assert words in got.json()["error"]["message"]
    assert server.http().post("/v1/completions", json=body | {"prompt": ["x"] * 4}).is_success


@pytest.mark.parametrize("prompt", ["", None, [""]], ids=repr)
def test_an_empty_prompt_begins_a_text(shared, prompt):
    first = shared.engine.tokenizer.bos_token_id
    body = {"model": "a0", "max_tokens": 6, "temperature": 0, "ignore_eos": True}
    got = shared.http().post("/v1/completions", json=body | {"prompt": prompt}).json()
    want = shared.http().post("/v1/completions", json=body | {"prompt": [first]}).json()
    assert got["choices"] == want["choices"]
