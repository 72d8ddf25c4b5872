"""Replacing an adapter under its name, while it is used."""

import json
import secrets
import threading
import time

import pytest
import torch

from t2l_fast.serve import SamplingParams
from t2l_fast.serve.config import Limits
from t2l_fast.serve.http.peft_zip import pack
from t2l_fast.serve.tenants.keys import Keys
from tests.serve.asking import direct, strong
from tests.serve.zips import CONFIG, WEIGHTS, ZIP, zipped

ASKED = {"prompt": "hello", "temperature": 0, "max_tokens": 40, "ignore_eos": True}


def upload(server, serving, seed):
    weights = serving.weights(server.engine.adapters, seed, 8)
    return pack(weights.for_sites(server.engine.adapters.sites))


def answer(server, name) -> str:
    got = server.http().post("/v1/completions", json={"model": name, **ASKED})
    assert got.status_code == 200, got.text
    return got.json()["choices"][0]["text"]


def settled(server, count):
    """Wait until nothing that was replaced is left."""
    end = time.monotonic() + 20
    while len(server.engine.bank) != count:
        assert time.monotonic() < end, list(server.engine.bank)
        time.sleep(0.05)


def test_the_new_one_answers_under_the_old_name(served, serving):
    server = served(adapters=3)
    http, old = server.http(), answer(server, "a1")
    content = upload(server, serving, 77)
    assert http.put("/v1/adapters/new", content=content, headers=ZIP).status_code == 201
    got = http.put("/v1/adapters/a1", content=content, headers=ZIP)
    assert (got.status_code, got.json()["id"], got.json()["kind"]) == (200, "a1", "trained")
    assert answer(server, "a1") == answer(server, "new") != old
    listed = http.get("/v1/adapters").json()
    assert [a["id"] for a in listed["data"]] == ["a0", "a1", "a2", "new"]
    settled(server, 4)
    assert (
        http.get("/v1/adapters/a1/download").content
        == http.get("/v1/adapters/new/download").content
    )


@pytest.fixture(scope="module")
def refusing(served_to_all):
    """A server that no upload ever changes."""
    return served_to_all(adapters=1, limits=Limits(upload_bytes=300_000))


class Stream(threading.Thread):
    """A client that reads a stream of 40 tokens."""

    def __init__(self, server, name) -> None:
        super().__init__()
        self.begun, self.text, self.finish = threading.Event(), "", None
        self._server, self._name = server, name
        self.start()

    def run(self) -> None:
        body = {"model": self._name, "stream": True, **ASKED}
        with self._server.http().stream("POST", "/v1/completions", json=body) as stream:
            for line in stream.iter_lines():
                if line[6:7] == "{":
                    (choice,) = json.loads(line[6:])["choices"]
                    self.text += choice["text"]
                    self.finish = choice["finish_reason"] or self.finish
                    self.begun.set()


@pytest.mark.nightly
@pytest.mark.parametrize("slots", [2, 8])
def test_streams_finish_on_the_old_one_and_new_requests_run_on_the_new(served, serving, slots):
    server = served(adapters=2, slots=slots, max_active=4)
    contents = [upload(server, serving, 70 + i) for i in range(3)]
    before = server.engine.model.forward

    def slow(*args, **kwargs):
        time.sleep(0.03)
        return before(*args, **kwargs)

    server.engine.model.forward = slow
    versions, streams = [answer(server, "a0")], []
    for content in contents:
        # four run, two wait: all of them were there before the replacement
        with serving.held(server.engine):
            asked = [Stream(server, "a0") for _ in range(6)]
            while server.engine.queued < 6:
                time.sleep(0.005)
        assert any(s.begun.wait(60) for s in asked)
        got = server.http().put("/v1/adapters/a0", content=content, headers=ZIP)
        assert got.status_code == 200
        assert not all(s.finish for s in asked)
        streams += [(s, versions[-1]) for s in asked]
        versions.append(answer(server, "a0"))
    for stream, _ in streams:
        stream.join(60)
    assert len(set(versions)) == 4
    assert [s.text for s, _ in streams] == [text for _, text in streams]
    assert {s.finish for s, _ in streams} == {"length"}
    settled(server, 2)
    assert server.engine.stats.requests["error"] == 0


def test_choices_of_one_request_are_of_one_version(served, serving):
    """Two of four choices still wait when the adapter is replaced."""
    server = served(adapters=1, max_active=2)
    old = direct(server, "hello", "a0", 40)

    params = [SamplingParams(max_tokens=40, ignore_eos=True)] * 4
    ids = server.engine.tokenizer("hello").input_ids
    tickets = server.engine.submit_all([ids] * 4, params, adapter="a0", sinks=[None] * 4)
    assert next(iter(tickets[0]))
    got = server.http().put("/v1/adapters/a0", content=upload(server, serving, 70), headers=ZIP)
    assert got.status_code == 200
    found = [t.result().text for t in tickets[1:]]
    assert found == [old] * 3
    assert direct(server, "hello", "a0", 40) != old
    settled(server, 1)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({WEIGHTS: b"x" * 100}, 400, "can't be read as safetensors"),
        ({CONFIG: b"{"}, 400, "can't be read as JSON"),
        ({WEIGHTS: b"\0" * 3_000_000}, 413, "--max-upload-mb"),
        ("nan", 400, "must be finite"),
        (b"no zip", 400, "zip file"),
        (b"x" * 400_000, 413, "--max-upload-mb"),
    ],
    ids=["no tensors", "no config", "a bomb", "not finite", "no zip", "too large"],
)
def test_a_bad_upload_leaves_the_old_one_serving(refusing, serving, change, status, words):
    server = refusing
    before, weights = answer(server, "a0"), server.engine.bank.weights("a0")
    if change == "nan":
        made = serving.weights(server.engine.adapters, 3).for_sites(server.engine.adapters.sites)
        made.lora_b["q_proj"][0, 0, 0] = float("nan")
        content = pack(made)
    else:
        content = change if isinstance(change, bytes) else zipped(server, serving, **change)
    got = server.http().put("/v1/adapters/a0", content=content, headers=ZIP)
    assert got.status_code == status, got.text
    assert words in got.json()["error"]["message"]
    assert answer(server, "a0") == before
    after = server.engine.bank.weights("a0")
    assert all(torch.equal(after.lora_a[m], weights.lora_a[m]) for m in weights.lora_a)
    assert list(server.engine.bank) == ["a0"]


def test_descriptions_and_uploads_replace_each_other(served, tiny, serving):
    generator = strong(tiny.generator(tiny.model()))
    server = served(generator=generator, limits=Limits(trained=1))
    http = server.http()
    assert http.put("/v1/adapters/me/it", json={"text": "do it"}).status_code == 201
    texts = [answer(server, "me/it")]
    assert http.put("/v1/adapters/me/it", json={"text": "undo that"}).json()["kind"] == "generated"
    texts.append(answer(server, "me/it"))
    got = http.put("/v1/adapters/me%2Fit", content=upload(server, serving, 7), headers=ZIP)
    assert (got.status_code, got.json()["kind"]) == (200, "trained")
    texts.append(answer(server, "me/it"))
    full = http.put("/v1/adapters/other", content=upload(server, serving, 7), headers=ZIP)
    assert full.status_code == 403
    assert http.put("/v1/adapters/me/it", json={"text": "do it"}).status_code == 200
    texts.append(answer(server, "me/it"))
    assert texts[0] == texts[3]
    assert len(set(texts)) == 3
    other = http.put("/v1/adapters/other", content=upload(server, serving, 7), headers=ZIP)
    assert other.status_code == 201
    settled(server, 2)


@pytest.mark.parametrize("name", ["tiny", "7", "-a", "a/download", "x" * 65])
def test_names_that_can_not_be_had(refusing, serving, name):
    server = refusing
    got = server.http().put(f"/v1/adapters/{name}", content=upload(server, serving, 7), headers=ZIP)
    assert got.status_code == 400
    assert "a name must be up to 64" in got.json()["error"]["message"]


def test_each_tenant_replaces_its_own(served, serving):
    ann, bob = secrets.token_hex(16), secrets.token_hex(16)
    server = served(keys=Keys({ann: "ann", bob: "bob"}))
    contents = [upload(server, serving, seed) for seed in (1, 2)]
    statuses = [
        server.http(key).put("/v1/adapters/mine", content=content, headers=ZIP).status_code
        for key, content in ((ann, contents[0]), (bob, contents[1]), (ann, contents[1]))
    ]
    assert statuses == [201, 201, 200]
    assert sorted(server.engine.bank) == ["ann/mine", "bob/mine"]
    assert server.http().put("/v1/adapters/mine", content=b"x", headers=ZIP).status_code == 401


def test_bodies_that_are_no_adapter(refusing):
    http = refusing.http()
    assert http.put("/v1/adapters/a0", content=b"x").status_code == 415
    for body in ({}, {"text": ""}, {"texts": ["x"]}):
        assert http.put("/v1/adapters/a0", json=body).status_code == 400
    got = http.put("/v1/adapters/a0", json={"text": "do it"})
    assert "need a generator" in got.json()["error"]["message"]
