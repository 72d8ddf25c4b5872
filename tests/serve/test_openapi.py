"""Whatever the schema allows, and near misses of it, never brings the server down."""

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402

from t2l_fast.serve.config import Limits  # noqa: E402

OPERATIONS = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model}"),
    ("POST", "/v1/adapters"),
    ("GET", "/v1/adapters"),
    ("GET", "/v1/adapters/{name}"),
    ("PUT", "/v1/adapters/{name}"),
    ("DELETE", "/v1/adapters/{name}"),
    ("GET", "/v1/adapters/{name}/download"),
    ("GET", "/health"),
    ("GET", "/metrics"),
]


@pytest.fixture(scope="module")
def server(served_to_all, tools):
    generator = tools.generator(tools.model())
    chat = "{% for m in messages %}{{ m.content }}{% endfor %}"
    limits = Limits(default_tokens=4, description_chars=200)
    made = served_to_all(generator=generator, adapters=1, chat_template=chat, limits=limits)
    yield made
    assert made.engine.failure is None


def test_all_operations_are_tried(server):
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    found = {(o.ok().method.upper(), o.ok().path) for o in schema.get_all_operations()}
    assert found == set(OPERATIONS)


MODES = schemathesis.GenerationMode
# without parameters there is nothing to get wrong
TRIED = [
    pytest.param(method, path, mode, id=f"{mode.value} {method} {path}")
    for method, path in OPERATIONS
    for mode in MODES
    if mode is MODES.POSITIVE or path not in ("/health", "/metrics")
]


@pytest.mark.parametrize(("method", "path", "mode"), TRIED)
def test_no_server_errors(server, method, path, mode):
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    cases = schema[path][method].as_strategy(generation_mode=mode)

    @settings(suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def tried(case):
        for part in ("model", "name"):  # half of what is asked for is there
            if part in (case.path_parameters or {}) and len(str(case.path_parameters)) % 2:
                case.path_parameters[part] = "a0"
        body = case.body if isinstance(case.body, dict) else {}
        if isinstance(body.get("model"), str) and len(body["model"]) % 2:
            body["model"] = "a0"
        response = case.call(timeout=60)
        assert response.status_code < 500, response.text

    tried()


def test_every_json_answer_is_documented(server):
    with server.http() as http:
        schema = http.get("/openapi.json").json()
        asked = {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "max_tokens": 2}
        answer = http.post("/v1/chat/completions", json={**asked, "logprobs": True}).json()
    for method, path in OPERATIONS:
        if path == "/metrics" or path.endswith("/download"):
            continue
        answers = schema["paths"][path][method.lower()]["responses"]
        good = answers["201" if (method, path) == ("POST", "/v1/adapters") else "200"]
        assert "$ref" in good["content"]["application/json"]["schema"], path
    parts = schema["components"]["schemas"]
    assert list(answer) == ["id", "created", "model", "object", "choices", "usage"]
    assert set(answer) == set(parts["ChatCompletion"]["properties"])
    assert set(answer["choices"][0]) | {"token_ids"} == set(parts["ChatChoice"]["properties"])
