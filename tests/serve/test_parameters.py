"""Every parameter of OpenAI's API: null and what asks for nothing are taken, the rest is run or
refused by name."""

import inspect
import re
from pathlib import Path

import pytest
from openai.resources.chat.completions import Completions as Chat
from openai.resources.completions import Completions as Text

from t2l_fast.serve.config import Limits
from t2l_fast.serve.http.not_run import NOT_RUN
from tests.serve.asking import CHAT

BODIES = {
    "chat/completions": {"messages": [{"role": "user", "content": "hello"}]},
    "completions": {"prompt": "hello"},
}
OF_THE_CLIENT = {"self", "extra_headers", "extra_query", "extra_body", "timeout"}
NEEDED = {"model", "messages", "prompt"}
KNOWN = {
    path: sorted(set(inspect.signature(kind.create).parameters) - OF_THE_CLIENT)
    for path, kind in (("chat/completions", Chat), ("completions", Text))
}
NOTHING = {
    "both": [
        *(("logit_bias", v) for v in ({}, {"5": 0}, {"5": 0.0, "6": 0})),
        *(("stop", v) for v in ([],)),
        *(("stream_options", v) for v in ({}, {"include_usage": False})),
        ("stream_options", {"include_usage": None, "include_obfuscation": False}),
        *(("n", v) for v in (1, 1.0)),
        *((f"{kind}_penalty", 0) for kind in ("presence", "frequency")),
        *(("temperature", v) for v in (1, 1.0)),
        ("top_p", 1),
        ("stream", False),
        ("metadata", {}),
        ("metadata", {"a": "b"}),
        *((name, "x") for name in ("user", "safety_identifier", "prompt_cache_key")),
        ("prompt_cache_retention", "24h"),
        ("prompt_cache_options", {"mode": "explicit"}),
    ],
    "chat/completions": [
        ("response_format", {"type": "text"}),
        *((name, []) for name in ("tools", "functions")),
        *((n, v) for n in ("tool_choice", "function_call") for v in ("none", "auto")),
        *(("parallel_tool_calls", v) for v in (True, False)),
        ("store", False),
        ("modalities", ["text"]),
        *(("service_tier", v) for v in ("auto", "default")),
        *(("reasoning_effort", v) for v in ("none", "medium")),
        ("verbosity", "medium"),
        ("logprobs", False),
        ("top_logprobs", 0),
    ],
    "completions": [
        ("suffix", ""),
        ("best_of", 1),
        ("echo", False),
        ("logprobs", False),
    ],
}
REFUSED = {
    "chat/completions": [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("functions", [{"name": "f"}]),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("function_call", {"name": "f"}),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
        ("logit_bias", {"5": 3}),
        ("store", True),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("moderation", {"model": "x"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("reasoning_effort", "high"),
        ("service_tier", "priority"),
        ("verbosity", "low"),
        ("web_search_options", {}),
        ("stream_options", {"include_obfuscation": True}),
        ("parallel_tool_calls", "x"),
        ("tool", 1),
    ],
    "completions": [
        ("suffix", "x"),
        ("best_of", 3),
        ("logit_bias", {"5": 3}),
        ("tools", [1]),
        ("prompts", ["x"]),
        ("logprobs", True),
        ("temperature", "hot"),
        ("temperature", []),
        ("stop", {"a": 1}),
        ("stop", [3]),
        ("stop", ["x"] * 17),
        ("n", 0),
        ("prompt", {"a": 1}),
        ("prompt", [True]),
        ("prompt", ["a", 3]),
        ("prompt", [[]]),
        ("prompt", [1.5]),
    ],
}


@pytest.fixture(scope="module")
def shared(served_to_all):
    return served_to_all(adapters=1, chat_template=CHAT, limits=Limits(default_tokens=4))


def ask(server, path, **change):
    body = {"model": "a0", "max_tokens": 2, "temperature": 0, "seed": 3, **BODIES[path], **change}
    return server.http().post(f"/v1/{path}", json=body)


@pytest.mark.parametrize(
    ("path", "name"), [(p, n) for p, known in KNOWN.items() for n in known if n not in NEEDED]
)
def test_null_is_as_good_as_nothing(shared, path, name):
    got = ask(shared, path, **{name: None})
    assert got.status_code == 200, got.text


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [(p, n, v) for p in BODIES for kind in ("both", p) for n, v in NOTHING[kind]],
    ids=str,
)
def test_values_that_ask_for_nothing_change_nothing(shared, path, name, value):
    got, plain = ask(shared, path, **{name: value}), ask(shared, path)
    assert got.status_code == 200, got.text
    if name != "temperature":
        assert got.json()["choices"] == plain.json()["choices"]


@pytest.mark.parametrize("path", BODIES)
def test_the_documentation_names_every_parameter(path):
    page = (Path(__file__).parents[2] / "docs/guides/http_api.md").read_text()
    assert [name for name in KNOWN[path] if name != "model" and f"`{name}`" not in page] == []
    assert [n for n in NOT_RUN if f"`{n}`" not in page] == []


@pytest.mark.parametrize("path", BODIES)
def test_nothing_of_openais_is_unknown(shared, path):
    """What the SDK can send and is not run is refused by name, not as a stranger."""
    odd = {"what": "no such value"}
    for name in KNOWN[path]:
        got = ask(shared, path, **{name: odd})
        assert f"{name} is not known" not in got.text
        if name not in ("metadata", "prompt_cache_options"):
            assert got.status_code == 400, name
            assert got.json()["error"]["param"] == name


@pytest.mark.parametrize(
    ("path", "name", "value"), [(p, n, v) for p in REFUSED for n, v in REFUSED[p]], ids=str
)
def test_a_refusal_names_the_field_and_shows_no_object(shared, path, name, value):
    got = ask(shared, path, **{name: value})
    assert got.status_code == 400
    message = got.json()["error"]["message"]
    assert message.startswith(name)
    assert not re.search(r"0x[0-9a-f]{6}|<\w+|function-|constrained|\[\w+\]", message), message
    assert re.search(r": \w|must be", message), "says no remedy"


def test_what_is_needed_is_asked_for(shared):
    for path, missing in (("completions", "prompt"), ("chat/completions", "messages")):
        got = shared.http().post(f"/v1/{path}", json={"model": "a0"})
        assert got.json()["error"]["message"] == f"{missing} is needed, got nothing: send it"
    got = shared.http().post("/v1/completions", json=["x"])
    assert "must be a JSON object" in got.json()["error"]["message"]
    got = shared.http().post(
        "/v1/completions", content=b"x", headers={"content-type": "text/plain"}
    )
    assert "must be a JSON object" in got.json()["error"]["message"]
    got = shared.http().get("/v1/models", params={"limit": "many"})
    assert got.json()["error"]["param"] == "limit"
