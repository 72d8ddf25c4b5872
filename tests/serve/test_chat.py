"""Conversations: templates, history, lengths."""

import openai
import pytest

from t2l_fast.serve import SamplingParams
from t2l_fast.serve.config import Limits
from tests.serve.asking import CHAT, GREEDY, direct, strong


@pytest.fixture(scope="module")
def shared(served_to_all):
    """The same, for tests that leave it as it was."""
    return served_to_all(adapters=3, chat_template=CHAT)


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


def test_what_the_server_answered_goes_back_as_history(shared):
    client = shared.openai()
    turns = [{"role": "user", "content": "hello"}]
    answer = client.chat.completions.create(model="a0", messages=turns, **GREEDY)
    message = answer.choices[0].message
    plain = {"role": "assistant", "content": message.content}
    asked = [
        client.chat.completions.create(model="a0", messages=[*turns, m, *turns], **GREEDY)
        for m in (plain, message, message.model_dump())
    ]
    assert len({(a.choices[0].message.content, a.usage.prompt_tokens) for a in asked}) == 1
    assert asked[0].usage.prompt_tokens > answer.usage.prompt_tokens


FURTHER = [
    {"annotations": [], "audio": None, "function_call": None, "tool_calls": None},
    {"tool_calls": [], "refusal": None, "name": "me"},
    {"annotations": [{"type": "url_citation", "url_citation": {"url": "x"}}]},
    {"reasoning_content": "because", "provider_specific_fields": {"a": [1]}, "id": "x-1"},
    {"content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo", "index": 1}]},
    {"content": None, "refusal": "hello"},
    {"content": [{"type": "refusal", "refusal": "hello"}]},
]


@pytest.mark.parametrize("further", FURTHER, ids=lambda f: "+".join(f))
def test_annotations_of_an_earlier_answer_change_nothing(shared, further):
    def ask(message):
        turns = [{"role": "user", "content": "a"}, message, {"role": "user", "content": "b"}]
        body = {"model": "a0", "messages": turns, "max_tokens": 4, "temperature": 0}
        got = shared.http().post("/v1/chat/completions", json=body)
        assert got.status_code == 200, got.text
        return got.json()["choices"], got.json()["usage"]

    plain = {"role": "assistant", "content": "hello"}
    assert ask(plain | further) == ask(plain)


@pytest.mark.parametrize("content", [None, "", []], ids=repr)
def test_an_earlier_answer_may_be_empty(shared, content):
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": content}]
    body = {"model": "a0", "messages": turns, "max_tokens": 1}
    got = shared.http().post("/v1/chat/completions", json=body)
    assert got.json()["usage"]["prompt_tokens"] == len("u:a;a:;a:")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "user"}, "messages.0.content is needed"),
        ({"role": "user", "content": None}, "messages.0.content is needed"),
        ({"role": "user", "content": 3}, "messages.0.content must be a text"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "reads nothing else"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages.0.content"),
        ({"role": "user", "content": "x", "weight": 1}, "messages.0.weight is not known"),
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, "tools are not run here"),
        ({"role": "narrator", "content": "x"}, "must be system, developer, user or assistant"),
        ({"content": "x"}, "messages.0.role is needed"),
        ({"role": "assistant", "tool_calls": [{"id": "1"}]}, "messages.0.tool_calls must be null"),
        ({"role": "assistant", "function_call": {"name": "f"}}, "messages.0.function_call"),
        ({"role": "assistant", "audio": {"id": "1"}}, "messages.0.audio must be null"),
        ("hello", "messages.0 must be a JSON object"),
    ],
    ids=str,
)
def test_messages_that_are_refused(shared, message, words):
    body = {"model": "a0", "messages": [message], "max_tokens": 4}
    got = shared.http().post("/v1/chat/completions", json=body)
    assert got.status_code == 400
    assert words in got.json()["error"]["message"]
    assert got.json()["error"]["param"] == "messages"
