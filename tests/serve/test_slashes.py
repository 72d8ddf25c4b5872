"""Names with a slash, as on the hub, in every route."""

import secrets
from urllib.parse import quote

import pytest

from t2l_fast.serve.tenants.keys import Keys
from tests.serve.asking import CHAT
from tests.serve.zips import ZIP, zipped

KEY = secrets.token_hex(16)
NAMES = ["me/poet", "me/poets/v2.1", "a0/b"]


def with_names(served, serving, keys=None, prefix=""):
    server = served(chat_template=CHAT, keys=keys)
    weights = [serving.weights(server.engine.adapters, seed) for seed in range(len(NAMES))]
    bank, registry = server.engine.bank, server.app.state.serving.registry
    for adapter in bank.register(weights=weights, names=[prefix + n for n in NAMES]):
        registry._add(adapter)
    return server


@pytest.fixture(scope="module")
def opened(served_to_all):
    from tests.serve.conftest import _weights

    class Own:
        weights = staticmethod(_weights)

    return with_names(served_to_all, Own)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "encoded"])
def test_every_route_takes_the_name(opened, name, encoded):
    http = opened.http()
    path = quote(name, safe="") if encoded else name
    assert http.get(f"/v1/models/{path}").json()["id"] == name
    assert http.get(f"/v1/adapters/{path}").json()["id"] == name
    got = http.get(f"/v1/adapters/{path}/download")
    assert got.headers["content-type"] == "application/zip"
    assert quote(name, safe="") in got.headers["content-disposition"]
    after = http.get("/v1/models", params={"after": name}).json()["data"]
    assert [m["id"] for m in after] == NAMES[NAMES.index(name) + 1 :]
    for kind, asked in (
        ("completions", {"prompt": "x"}),
        ("chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
    ):
        body = {"model": name, "max_tokens": 2, **asked}
        assert http.post(f"/v1/{kind}", json=body).json()["model"] == name


def test_the_openai_client_takes_it(opened):
    client = opened.openai()
    assert {m.id for m in client.models.list()} == {"tiny", *NAMES}
    assert client.models.retrieve("me/poet").id == "me/poet"
    for other in ("me", "poet", "me/", "/me/poet", "me/poet/v2.1"):
        assert opened.http().get(f"/v1/adapters/{quote(other, safe='')}").status_code == 404


def test_an_open_server_takes_it_for_registrations(served, serving):
    server = served()
    http, content = server.http(), zipped(server, serving)
    got = http.post("/v1/adapters", params={"name": "me/mine"}, content=content, headers=ZIP)
    assert got.json()["data"][0]["id"] == "me/mine"
    assert list(server.engine.bank) == ["me/mine"]
    assert http.get("/v1/adapters").json()["data"][0]["id"] == "me/mine"
    assert http.delete("/v1/adapters/me%2Fmine").json()["deleted"]
    assert http.get("/v1/adapters/").json()["total"] == 0


def test_a_tenant_takes_it_too(served, serving):
    server = with_names(served, serving, Keys({KEY: "ann"}), "ann/")
    http = server.http(KEY)
    assert [a["id"] for a in http.get("/v1/adapters").json()["data"]] == NAMES
    body = {"model": "me/poet", "prompt": "x", "max_tokens": 2}
    assert http.post("/v1/completions", json=body).status_code == 200
    assert http.post("/v1/completions", json=body | {"model": "ann/me/poet"}).status_code == 404
    assert http.delete("/v1/adapters/me/poet").status_code == 200
    assert sorted(server.engine.bank) == ["ann/a0/b", "ann/me/poets/v2.1"]


def test_an_open_server_shows_what_tenants_registered_whole(served, serving):
    server = with_names(served, serving, prefix="ann/")
    assert [a["id"] for a in server.http().get("/v1/adapters").json()["data"]] == [
        f"ann/{name}" for name in NAMES
    ]
