"""Registering, listing, downloading and deleting adapters."""

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.serve import SamplingParams
from t2l_fast.serve.config import Limits
from tests.serve.zips import ZIP, zipped


def made(served, tiny, **options):
    torch.manual_seed(0)
    generator = tiny.generator(tiny.model())
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return served(
        generator=generator, limits=Limits(descriptions=40, upload_bytes=200_000), **options
    )


@pytest.fixture
def server(served, tiny):
    return made(served, tiny)


@pytest.fixture(scope="module")
def refusing(served_to_all, tools):
    """A server that nothing is ever registered with."""
    return made(served_to_all, tools)


def test_one_and_many_descriptions(server):
    http = server.http()
    one = http.post("/v1/adapters", json={"texts": ["sort the words"], "names": ["sort"]})
    assert one.status_code == 201
    assert one.json()["data"] == [{"id": "sort", "object": "adapter", "kind": "generated"}]
    many = http.post("/v1/adapters", json={"texts": [f"do{i} it" for i in range(40)]}).json()
    names = [entry["id"] for entry in many["data"]]
    assert len(set(names)) == 40
    listed = http.get("/v1/adapters").json()
    assert [entry["id"] for entry in listed["data"]] == ["sort", *names]
    assert listed["total"] == 41
    page = http.get("/v1/adapters", params={"limit": 3, "after": names[1]}).json()
    assert [entry["id"] for entry in page["data"]] == names[2:5]
    assert page["has_more"]
    # order is kept: text number 33 is behind name number 33
    codes = server.engine.bank.generator.encode(["do33 it"])
    wanted = server.engine.bank.generator.generate(codes=codes.half().float())[0]
    got = server.engine.bank.weights(names[33])
    assert all(torch.allclose(got.lora_a[m], wanted.lora_a[m]) for m in wanted.lora_a)


def test_a_download_is_the_adapter_that_is_served(server, tmp_path):
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["sort the words"], "names": ["sort"]})
    got = http.get("/v1/adapters/sort/download")
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"].endswith("sort.zip")
    zipfile.ZipFile(io.BytesIO(got.content)).extractall(tmp_path)
    weights = t2l.LoraWeights.from_pretrained(tmp_path)
    again = http.post("/v1/adapters", params={"name": "again"}, content=got.content, headers=ZIP)
    assert again.json()["data"] == [{"id": "again", "object": "adapter", "kind": "trained"}]
    body = {"prompt": "hello", "temperature": 0, "max_tokens": 16, "ignore_eos": True}
    answers = [
        http.post("/v1/completions", json=body | {"model": m}).json()["choices"][0]["text"]
        for m in ("sort", "again", "tiny")
    ]
    assert answers[0] == answers[1] != answers[2]
    assert weights.config.rank == 4


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/../b", "a//b", "a/", "/etc/passwd", "a\\b", "x" * 65, "ü"),
        *("a b", "a\0", "-a", "7", "a/download", "x/" * 200 + "x"),
    ],
    ids=repr,
)
def test_names_that_could_leave_a_folder_or_hide(refusing, name):
    got = refusing.http().post("/v1/adapters", json={"texts": ["do it"], "names": [name]})
    assert got.status_code == 400
    assert "a name must be up to 64" in got.json()["error"]["message"]
    assert len(refusing.engine.bank) == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"texts": []}, "texts"),
        ({"texts": [""]}, "texts.0"),
        ({"texts": ["  "]}, "must not be empty"),
        ({"texts": ["x"] * 41}, "takes up to 40 descriptions"),
        ({"texts": ["x" * 2001]}, "up to 2000 characters"),
        ({"texts": ["a", "b"], "names": ["x"]}, "must be 2 different new ones"),
        ({"texts": ["a", "b"], "names": ["x", "x"]}, "must be 2 different new ones"),
        ({"texts": ["a"], "names": ["taken"]}, "['taken'] taken"),
        ({"texts": "a"}, "texts"),
        ({"texts": ["a"], "weights": 1}, "weights"),
        ({"texts": ["fine", "\ud800"]}, ""),
    ],
    ids=[
        "none",
        "empty",
        "blank",
        "many",
        "long",
        "one name",
        "one name twice",
        "taken",
        "no list",
        "unknown field",
        "half a character",
    ],
)
def test_bad_registrations_change_nothing(refusing, body, words):
    http = refusing.http()
    http.post("/v1/adapters", json={"texts": ["first"], "names": ["taken"]})
    content = json.dumps(body)  # a lone surrogate travels as an escape
    got = http.post("/v1/adapters", content=content, headers={"content-type": "application/json"})
    assert got.status_code == 400
    assert words in got.json()["error"]["message"]
    assert list(refusing.engine.bank) == ["taken"]
    http.delete("/v1/adapters/taken")


def test_the_base_models_name_is_taken(refusing):
    got = refusing.http().post("/v1/adapters", json={"texts": ["x"], "names": ["tiny"]})
    assert got.status_code == 400
    assert "not the base model's" in got.json()["error"]["message"]


def test_another_content_type(refusing):
    got = refusing.http().post("/v1/adapters", content=b"x", headers={"content-type": "text/plain"})
    assert got.status_code == 415


def test_deleting_what_a_request_waits_for(served, tiny, serving):
    server = made(served, tiny, max_active=1)
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["do it"], "names": ["wanted"]})
    with ThreadPoolExecutor() as pool, serving.held(server.engine):
        first = server.engine.submit([5, 6], params=SamplingParams(max_tokens=50, ignore_eos=True))
        waiting = server.engine.submit([5, 6], adapter="wanted")
        busy = pool.submit(http.delete, "/v1/adapters/wanted")
        while not server.engine._running.errands:
            time.sleep(0.01)
    assert busy.result().status_code == 409
    first.result()
    waiting.result()


def test_deleting(server, serving):
    http = server.http()
    http.post("/v1/adapters", json={"texts": ["do it"], "names": ["gone"]})
    body = {"model": "gone", "prompt": "hello", "max_tokens": 4}
    with ThreadPoolExecutor() as pool, serving.held(server.engine):
        waiting = server.engine.submit([5, 6], adapter="gone")
        busy = pool.submit(http.delete, "/v1/adapters/gone")
        while not server.engine._running.errands:
            time.sleep(0.01)
    assert busy.result().status_code == 409
    waiting.result()
    assert http.delete("/v1/adapters/gone").json()["deleted"]
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/download")]:
        assert http.request(method, f"/v1/adapters/gone{path}").status_code == 404
    assert http.post("/v1/completions", json=body).status_code == 404
    assert http.get("/v1/adapters").json()["total"] == 0


def test_without_a_generator_descriptions_are_refused(served, serving):
    server = served(adapters=1)
    got = server.http().post("/v1/adapters", json={"texts": ["do it"]})
    assert got.status_code == 400
    assert "need a generator" in got.json()["error"]["message"]
    body = {"model": "t2l:do it", "prompt": "x"}
    assert server.http().post("/v1/completions", json=body).status_code == 400
    content = zipped(server, serving)
    assert server.http().post("/v1/adapters", content=content, headers=ZIP).status_code == 201


def test_numbers_of_a_store_that_was_filled_before(served, tiny):
    server = served(generator=tiny.generator(tiny.model()))
    server.engine.bank.register(texts=["a", "b"])
    registry = server.app.state.serving.registry
    for adapter in server.engine.bank:
        registry._add(adapter)
    http = server.http()
    assert [a["id"] for a in http.get("/v1/adapters").json()["data"]] == ["0", "1"]
    body = {"model": "1", "prompt": "hello", "max_tokens": 2}
    assert http.post("/v1/completions", json=body).status_code == 200
    assert http.delete("/v1/adapters/0").status_code == 200
    assert http.get("/v1/adapters/0").status_code == 404
