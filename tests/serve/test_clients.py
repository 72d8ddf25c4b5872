"""Clients that people use, against the server: history, streams, errors by kind."""

import openai
import pytest

from t2l_fast.serve.config import Limits
from tests.serve.asking import CHAT, direct

EXTRA = {"ignore_eos": True}


@pytest.fixture(scope="module")
def shared(served_to_all):
    return served_to_all(adapters=2, chat_template=CHAT, limits=Limits(default_tokens=8))


def chat_text(server, written: str, count=8) -> str:
    """What the engine answers to a conversation as the template writes it."""
    ids = server.engine.tokenizer(written, add_special_tokens=False).input_ids
    from t2l_fast.serve import SamplingParams

    params = SamplingParams(max_tokens=count, ignore_eos=True)
    return server.engine.submit(ids, adapter="a0", params=params).result().text


def test_openai_talks_streams_and_sorts_errors(shared):
    client = shared.openai()
    turns: list = [{"role": "user", "content": "hello"}]
    options = dict(model="a0", temperature=0, max_tokens=8, extra_body=EXTRA)
    first = client.chat.completions.create(messages=turns, **options).choices[0].message
    assert first.content == chat_text(shared, "u:hello;a:")
    turns += [first, {"role": "user", "content": "more"}]
    with client.chat.completions.stream(messages=turns, **options) as stream:
        for _ in stream:
            pass
        final = stream.current_completion_snapshot.choices[0].message
    assert final.content == chat_text(shared, f"u:hello;a:{first.content};u:more;a:")
    turns += [final, {"role": "user", "content": "end"}]  # parsed messages have fields of their own
    assert client.chat.completions.create(messages=turns, **options).choices[0].message.content
    for change, kind, status, param in (
        ({"model": "none"}, openai.NotFoundError, 404, None),
        ({"temperature": -1}, openai.BadRequestError, 400, "temperature"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, 400,
         "tools"),
    ):  # fmt: skip
        with pytest.raises(kind) as raised:
            client.chat.completions.create(messages=turns[:1], **options | change)
        assert (raised.value.status_code, raised.value.param) == (status, param)
        assert raised.value.type == "invalid_request_error"
        assert raised.value.body["message"]


@pytest.mark.nightly
def test_litellm(shared, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = pytest.importorskip("litellm", reason="needs litellm: pip install litellm")
    where = dict(api_base=f"{shared.url}/v1", api_key="none", model="openai/a0", num_retries=0)
    options = dict(temperature=0, max_tokens=8, extra_body=EXTRA, **where)
    turns: list = [{"role": "user", "content": "hello"}]
    first = litellm.completion(messages=turns, **options).choices[0].message
    assert first.content == chat_text(shared, "u:hello;a:")
    turns += [first, {"role": "user", "content": "more"}]
    wanted = chat_text(shared, f"u:hello;a:{first.content};u:more;a:")
    assert litellm.completion(messages=turns, **options).choices[0].message.content == wanted
    turns[1] = first.model_dump()
    pieces = litellm.completion(messages=turns, stream=True, **options)
    assert "".join(p.choices[0].delta.content or "" for p in pieces) == wanted
    texts = litellm.text_completion(
        prompt=["hello", "you"], **options | {"model": "text-completion-openai/a0"}
    )
    assert [c.text for c in texts.choices] == [direct(shared, p, "a0", 8) for p in ("hello", "you")]
    with pytest.raises(litellm.exceptions.NotFoundError):
        litellm.completion(messages=turns[:1], **options | {"model": "openai/none"})
    with pytest.raises(litellm.exceptions.BadRequestError, match="temperature"):
        litellm.completion(messages=turns[:1], **options | {"temperature": -1})


@pytest.mark.nightly
def test_langchain(shared):
    chat = pytest.importorskip(
        "langchain_openai", reason="needs langchain-openai: pip install langchain-openai"
    )
    where = dict(base_url=f"{shared.url}/v1", api_key="none", model="a0", max_retries=0)
    options = dict(temperature=0, max_tokens=8, extra_body=EXTRA, **where)
    model = chat.ChatOpenAI(**options)
    first = model.invoke("hello")
    assert first.content == chat_text(shared, "u:hello;a:")
    turns = [("user", "hello"), first, ("user", "more")]
    wanted = chat_text(shared, f"u:hello;a:{first.content};u:more;a:")
    assert model.invoke(turns).content == wanted
    pieces = list(model.stream(turns, stream_usage=True))
    assert "".join(p.content for p in pieces) == wanted
    assert pieces[-1].usage_metadata or any(p.usage_metadata for p in pieces)
    assert [a.content for a in model.batch(["hello", turns])] == [first.content, wanted]
    text = chat.OpenAI(**options)
    found = text.generate(["hello", "you"]).generations
    assert [g[0].text for g in found] == [direct(shared, p, "a0", 8) for p in ("hello", "you")]
    assert "".join(text.stream("hello")) == direct(shared, "hello", "a0", 8)
    with pytest.raises(openai.NotFoundError):
        chat.ChatOpenAI(**options | {"model": "none"}).invoke("hello")
    with pytest.raises(openai.BadRequestError, match="tools must be"):
        model.bind_tools([{"type": "function", "function": {"name": "f"}}]).invoke("hello")
