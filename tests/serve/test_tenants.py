"""Keys and namespaces: no tenant sees, uses or infers another's adapters."""

import json
import secrets

import pytest

from t2l_fast.errors import ConfigError
from t2l_fast.serve.config import Limits
from t2l_fast.serve.tenants.keys import Keys

ANN, BOB, OPS = (secrets.token_hex(16) for _ in range(3))
KEYS = {ANN: "ann", BOB: "bob", OPS: "operator"}
MARK = "xylophone"


def made(served, tiny):
    return served(
        generator=tiny.generator(tiny.model()),
        keys=Keys(KEYS),
        limits=Limits(adapters=3, body_bytes=4000),
        template="Say {input}",
    )


@pytest.fixture
def server(served, tiny):
    return made(served, tiny)


@pytest.fixture(scope="module")
def shared(served_to_all, tools):
    """A server where Ann has one adapter."""
    server = made(served_to_all, tools)
    assert register(server, ANN, "secret").status_code == 201
    return server


def register(server, key, name, text="do it"):
    body = {"texts": [text], "names": [name]}
    return server.http(key).post("/v1/adapters", json=body)


CHAT = [{"role": "user", "content": "x"}]
PATHS = [
    ("GET", "/v1/adapters/{}", None),
    ("GET", "/v1/adapters/{}/download", None),
    ("DELETE", "/v1/adapters/{}", None),
    ("GET", "/v1/models/{}", None),
    ("GET", "/v1/models?after={}", None),
    ("GET", "/v1/adapters?after={}", None),
    ("POST", "/v1/completions", {"model": "{}", "prompt": "x"}),
    (
        "POST",
        "/v1/chat/completions",
        {"model": "{}", "messages": [{"role": "user", "content": "x"}]},
    ),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS, ids=lambda p: str(p)[:24])
@pytest.mark.parametrize("name", ["secret", "ann/secret", "ann%2Fsecret"])
def test_anothers_adapter_answers_like_one_that_never_was(shared, method, path, body, name):
    def ask(key, name):
        filled = body and json.loads(json.dumps(body).replace("{}", name))
        return shared.http(key).request(method, path.format(name), json=filled)

    theirs, nobodys = ask(BOB, name), ask(BOB, name.replace("secret", "nobody"))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content
    assert theirs.headers.keys() == nobodys.headers.keys()
    assert "secret" in shared.http(ANN).get("/v1/adapters").text


def test_one_name_in_two_namespaces(server):
    assert register(server, ANN, "mine", "first thing").status_code == 201
    assert register(server, BOB, "mine", "second thing").status_code == 201
    assert sorted(server.engine.bank) == ["ann/mine", "bob/mine"]
    assert server.http(ANN).get("/v1/adapters").json()["total"] == 1
    assert server.http(BOB).delete("/v1/adapters/mine").status_code == 200
    assert server.http(ANN).get("/v1/adapters/mine").status_code == 200
    assert server.http(BOB).get("/v1/adapters/mine").status_code == 404
    assert [m["id"] for m in server.http(BOB).get("/v1/models").json()["data"]] == ["tiny"]


def test_a_description_belongs_to_who_wrote_it(server):
    body = {"model": f"t2l:{MARK} it", "prompt": "x", "max_tokens": 2}
    assert server.http(ANN).post("/v1/completions", json=body).status_code == 200
    assert server.http(BOB).get("/v1/adapters").json()["total"] == 0
    assert server.http(BOB).post("/v1/completions", json=body).status_code == 200
    assert len(server.engine.bank) == 2


def test_nothing_that_a_tenant_reads_counts_what_others_have(server):
    def seen():
        http = server.http(BOB)
        name = http.post("/v1/adapters", json={"texts": ["mine"]}).json()["data"][0]["id"]
        found = [http.get(p).json() for p in ("/v1/adapters", "/v1/models", "/v1/adapters/none")]
        http.delete(f"/v1/adapters/{name}")
        return json.dumps(found).replace(name, "NAME")

    before = seen()
    register(server, ANN, "one")
    register(server, ANN, "two")
    assert seen() == before


def test_limits_are_each_tenants_own(server):
    for name in ("a", "b", "c"):
        assert register(server, ANN, name).status_code == 201
    full = register(server, ANN, "d")
    assert full.status_code == 403
    assert full.json()["error"]["code"] == "limit_reached"
    body = {"model": "t2l:one more", "prompt": "x"}
    assert server.http(ANN).post("/v1/completions", json=body).status_code == 403
    assert register(server, BOB, "d").status_code == 201
    server.http(ANN).delete("/v1/adapters/a")
    assert register(server, ANN, "d").status_code == 201


BODIES = {
    "/v1/adapters": {"texts": ["x"]},
    "/v1/completions": {"model": "tiny", "prompt": "x"},
    "/v1/chat/completions": {"model": "tiny", "messages": CHAT},
}


@pytest.mark.parametrize(
    "key",
    [None, "wrong", ANN[:-1], ANN + "0", "ü"],
    ids=["none", "wrong", "too short", "too long", "no ASCII"],
)
def test_without_a_known_key_nothing_is_answered(shared, key):
    headers = {"Authorization": f"Bearer {key}".encode()} if key else {}
    http = shared.http()
    reads = ["/v1/models", "/v1/models/x", "/v1/adapters", "/v1/adapters/x", "/metrics"]
    got = [http.get(path, headers=headers) for path in reads]
    got += [http.post(path, json=body, headers=headers) for path, body in BODIES.items()]
    got += [http.delete("/v1/adapters/x", headers=headers)]
    got += [http.get("/v1/adapters/x/download", headers=headers)]
    assert [r.status_code for r in got] == [401] * 10
    assert all(r.headers["www-authenticate"] == "Bearer" for r in got)
    assert http.get("/health").status_code == 200


def test_metrics_are_the_operators(server):
    assert server.http(ANN).get("/metrics").status_code == 403
    text = server.http(OPS).get("/metrics").text
    assert "t2l_adapters 0.0" in text
    assert server.http(OPS).get("/v1/models").status_code == 403


def test_no_text_in_logs_or_metrics(server, everything_logged):
    http = server.http(ANN)
    register(server, ANN, f"name-{MARK}", f"{MARK} it")
    for path in (f"/v1/models/t2l:{MARK}", f"/v1/adapters/{MARK}", f"/{MARK}?q={MARK}"):
        assert http.get(path).status_code == 404
    for body in (
        {"model": f"t2l:{MARK} this", "prompt": f"{MARK} prompt", "max_tokens": 2},
        {"model": f"t2l:{MARK} " + "y " * 1500, "prompt": MARK},
        {"model": "tiny", "prompt": MARK, "temperature": MARK},
        {"model": "tiny", "prompt": f"{MARK}", "max_tokens": 5000},
    ):
        http.post("/v1/completions", json=body)
    chat = [{"role": "user", "content": MARK}]
    http.post("/v1/chat/completions", json={"model": "tiny", "messages": chat})
    http.post("/v1/adapters", json={"texts": [MARK, " "]})
    http.request(MARK.upper(), "/v1/models")

    def broken(*args, **kwargs):
        raise RuntimeError(f"failed on {MARK}")

    generator = server.engine.bank.generator
    generator.encode = broken
    assert http.post("/v1/adapters", json={"texts": [MARK]}).status_code == 500
    del generator.encode
    metrics = server.http(OPS).get("/metrics").text
    assert "t2l_http_responses_total" in metrics
    assert MARK not in metrics.lower()
    assert "POST /v1/completions 200" in everything_logged.text
    assert "unexpected RuntimeError at" in everything_logged.text
    own = [line for line in everything_logged.text.splitlines() if MARK in line.lower()]
    assert not own


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_bodies_beyond_the_limit(shared, declared):
    body = json.dumps({"model": "tiny", "prompt": "x" * 5000}).encode()
    content = body if declared else iter([body[:100], body[100:]])
    headers = {"content-type": "application/json"}
    got = shared.http(ANN).post("/v1/completions", content=content, headers=headers)
    assert got.status_code == 413
    assert "4000 bytes" in got.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_only_uploads_may_be_as_large_as_uploads(shared, path):
    body = json.dumps({"model": "tiny", "prompt": "x" * 5000}).encode()
    for types in (["application/zip"], ["application/json", "application/zip"]):
        headers = [("content-type", t) for t in types]
        got = shared.http(ANN).post(path, content=body, headers=headers)
        assert got.status_code == 413


def test_without_a_key_a_body_is_not_read(shared):
    got = shared.http().post("/v1/completions", content=b"x" * 5000)
    assert got.status_code == 401


def test_a_keys_file(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"# ours\nann: {ANN}\n\nbob:{BOB}\nann:{OPS}\n")
    keys = Keys.read(path)
    assert [keys.tenant(k) for k in (ANN, BOB, OPS, "x", "")] == ["ann", "bob", "ann", None, None]
    assert ANN not in str(vars(keys))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one"),
        ("ann", "line 1"),
        ("ann:short", "at least 16"),
        (f"Ann:{ANN}", "lower-case"),
        (f"a/b:{ANN}", "lower-case"),
        (f"ann:{ANN}\nbob:{ANN}", "line 2"),
    ],
    ids=["none", "no colon", "short", "capitals", "slash", "one key for two"],
)
def test_bad_keys_files(tmp_path, text, words):
    path = tmp_path / "keys"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        Keys.read(path)
    with pytest.raises(ConfigError, match="could not be read"):
        Keys.read(tmp_path / "none")
