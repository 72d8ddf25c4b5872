"""Several adapters in one request: `model="poet:0.7+lawyer:0.3"`."""

import re
import secrets
import threading
import time
from urllib.parse import quote

import pytest

import t2l_fast as t2l
from t2l_fast.errors import ArgumentError, UnknownAdapter
from t2l_fast.serve import SamplingParams
from t2l_fast.serve.http.peft_zip import pack
from t2l_fast.serve.tenants.keys import Keys
from t2l_fast.serve.tenants.mixtures import LONGEST, MOST, parsed
from tests.serve.asking import CHAT, direct
from tests.serve.zips import ZIP

ASKED = {"prompt": "hello", "temperature": 0, "max_tokens": 12, "ignore_eos": True}
MIX = "a0:0.7+a1:0.3"


def ask(server, model, key=None, **options):
    return server.http(key).post("/v1/completions", json={"model": model, **ASKED, **options})


def answer(server, model, key=None, **options) -> str:
    got = ask(server, model, key, **options)
    assert got.status_code == 200, got.text
    assert got.json()["model"] == model
    return got.json()["choices"][0]["text"]


def summed(server, mixture: dict[str, float]) -> t2l.LoraWeights:
    """The same sum, by the code for adapters that a program holds."""
    held = [server.engine.bank.weights(name) for name in mixture]
    return t2l.LoraWeights.weighted_sum(held, list(mixture.values()))


@pytest.fixture(scope="module")
def shared(served_to_all):
    """a0, a1 and a2 of ranks 2, 4 and 8; "a0+a1" is the registered sum of half of both."""
    server = served_to_all(adapters=3, chat_template=CHAT)
    registry = server.app.state.serving.registry
    sums = {
        "sum": {"a0": 0.7, "a1": 0.3},
        "difference": {"a0": 2.0, "a1": -1.5},
        "a0+a1": {"a0": 0.5, "a1": 0.5},
        "a0:0.5": {"a1": 1.0},
    }
    names = server.engine.bank.register(
        weights=[summed(server, of) for of in sums.values()], names=list(sums)
    )
    for name in names:
        registry._add(name)
    return server


# ---------------------------------------------------------------------- answers


def test_a_mixture_answers_as_the_registered_sum(shared):
    assert answer(shared, MIX) == answer(shared, "sum") != answer(shared, "a0")
    assert answer(shared, "a1:0.3+a0:.7") == answer(shared, "sum")
    assert answer(shared, "a0:2+a1:-1.5e0") == answer(shared, "difference")
    assert answer(shared, "a0:1") == answer(shared, "a0")
    assert answer(shared, "tiny") == direct(shared, "hello", None)


def test_mixtures_run_beside_others_in_one_batch(shared):
    models = [MIX, "a0", "tiny", "a2:0.5", "a1", "a0:2+a1:-1.5", "a2", MIX]
    alone = [answer(shared, m) for m in models]
    assert len(set(alone)) == len(models) - 1
    together: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda i=i, m=m: together.update({i: answer(shared, m)}))
        for i, m in enumerate(models)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[i] for i in range(len(models))] == alone


def test_the_engine_takes_a_mapping(shared):
    assert direct(shared, "hello", {"a0": 0.7, "a1": 0.3}) == answer(shared, MIX)
    with pytest.raises(UnknownAdapter):
        direct(shared, "hello", {"a0": 0.7, "nobody": 0.3})
    with pytest.raises(ArgumentError, match="other than 0"):
        direct(shared, "hello", {"a0": 0.0})


def test_chat_streams_and_log_probabilities(shared):
    client = shared.openai()
    turns = [{"role": "user", "content": "hi"}]
    whole, events = (
        client.chat.completions.create(
            model=MIX, messages=turns, temperature=0, max_tokens=8, stream=stream
        )
        for stream in (False, True)
    )
    pieces = [e.choices[0].delta.content or "" for e in events]
    assert "".join(pieces) == whole.choices[0].message.content
    mine, theirs = (
        ask(shared, model, echo=True, logprobs=0).json()["choices"][0]["logprobs"]
        for model in (MIX, "sum")
    )
    assert mine["token_logprobs"][1:] == pytest.approx(theirs["token_logprobs"][1:], abs=1e-3)


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "encoded"])
def test_a_mixture_can_be_looked_at(shared, encoded):
    path = quote(MIX, safe="") if encoded else MIX
    assert shared.http().get(f"/v1/models/{path}").json()["id"] == MIX
    assert shared.http().get("/v1/models/a0:0.7+no:0.3").status_code == 404
    listed = shared.http().get("/v1/models").json()["data"]
    assert MIX not in [m["id"] for m in listed]


def test_labels_of_metrics_name_no_mixture(shared):
    answer(shared, MIX)
    text = shared.http().get("/metrics").text
    assert "0.7" not in text and "a0" not in text


# ------------------------------------------------------------------------ names


def test_registered_names_win_over_mixtures(shared):
    half = answer(shared, "a0+a1")
    assert half == answer(shared, "a0:0.5+a1:0.5")
    assert answer(shared, "a0+a1:1") == half
    assert answer(shared, "a0:0.5") == answer(shared, "a1")
    assert answer(shared, "a0:0.5:1") == answer(shared, "a1")


FIND = {"poet": 1, "me/poet": 2, "a+b": 3, "a:0.5": 4, "b": 5, "7": 7}.get


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("poet:0.7+b:0.3", {1: 0.7, 5: 0.3}),
        ("me/poet:1e+2+poet:-.5", {2: 100.0, 1: -0.5}),
        ("a+b:2+b:+3.", {3: 2.0, 5: 3.0}),
        ("a:0.5:0.25+7:2", {4: 0.25, 7: 2.0}),
        ("b:0.1+a:0.5:2+a+b:3", {5: 0.1, 4: 2.0, 3: 3.0}),
    ],
)
def test_texts_that_are_mixtures(text, wanted):
    assert dict(parsed(text, FIND).parts) == wanted


@pytest.mark.parametrize("text", ["", "gpt-4", "openai/gpt:x", "x+y", "x" * 9999, ":", "+"])
def test_texts_that_are_none(text):
    assert parsed(text, FIND) is None


REFUSED = {
    "no weight": ("a0+nobody", 400, "got 'a0' for a part: give each adapter a weight"),
    "no number": ("a0:x+a1:0.3", 400, "got 'a0:x' for a part"),
    "a comma": ("a0:0,7", 400, "joined by '+' as in poet:0.7+lawyer:0.3, got 'a0:0,7'"),
    "one without": ("a0:0.7+a1", 400, "got 'a1' for a part"),
    "no end": ("a0:0.7+", 400, "got '' for a part"),
    "no name": ("a0:0.7+:0.3", 400, "got ':0.3' for a part"),
    "unknown": ("a0:0.7+nobody:0.3", 404, "must be registered, got 'nobody'"),
    "the base": ("tiny:0.7+a0:0.3", 404, "must be registered, got 'tiny'"),
    "twice": ("a0:0.7+a0:0.3", 400, "once, got 'a0' again"),
    "zero": ("a0:0+a1:1", 400, "other than 0, got 0.0 for 'a0'"),
    "nan": ("a0:nan", 400, "got nan for 'a0'"),
    "infinite": ("a0:0.5+a1:-1e999", 400, "got -inf for 'a1'"),
    "ranks": ("a0:0.5+a2:0.5", 400, "ranks add up to 10: attach with rank_max=10"),
    "too long": ("a0:1+" + "x" * LONGEST, 400, f"up to {LONGEST} characters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_mixed(shared, case):
    model, status, words = REFUSED[case]
    got = ask(shared, model)
    error = got.json()["error"]
    assert (got.status_code, error["code"]) == (
        status,
        "model_not_found" if status == 404 else None,
    )
    assert words in error["message"]
    assert error["param"] == ("model" if status == 400 and case != "ranks" else None)


def numbered(name: str) -> str | None:
    return name if re.fullmatch(r"n\d+", name) else None


def test_a_mixture_of_many_is_refused():
    names = [f"n{i}:1" for i in range(MOST + 1)]
    assert len(parsed("+".join(names[:-1]), numbered).parts) == MOST
    with pytest.raises(ArgumentError, match=f"up to {MOST} adapters"):
        parsed("+".join(names), numbered)


def test_parsing_is_fast_whatever_is_sent():
    start = time.perf_counter()
    many = "+".join(f"n{i}:1" for i in range(1, 600))
    for text in (many, "n:1+" * 1000, "x:1" * 1300, ":1+" * 1300, "n1" + ":1" * 2000, "+" * 4000):
        with pytest.raises((ArgumentError, UnknownAdapter)):
            parsed("n0:1+" + text[: LONGEST - 6] + "+", numbered)
    assert time.perf_counter() - start < 1


# ---------------------------------------------------------- tenants, and changes


def test_a_key_mixes_its_own_adapters_alone(served, serving):
    ann, bob = secrets.token_hex(16), secrets.token_hex(16)
    server = served(keys=Keys({ann: "ann", bob: "bob"}))
    content = [
        pack(serving.weights(server.engine.adapters, i).for_sites(server.engine.adapters.sites))
        for i in range(3)
    ]
    for key, name, upload in ((ann, "x", 0), (ann, "me/y", 1), (bob, "x", 2), (bob, "z", 1)):
        http = server.http(key)
        assert http.put(f"/v1/adapters/{name}", content=content[upload], headers=ZIP).is_success
    mine, theirs = answer(server, "x:0.5+me/y:0.5", ann), answer(server, "x:0.5+z:0.5", bob)
    assert mine != theirs
    for key, other in ((ann, "z"), (bob, "me/y"), (bob, "ann/x"), (ann, "nobody")):
        got = ask(server, f"x:1+{other}:1", key)
        assert got.status_code == 404
        message = got.json()["error"]["message"]
        assert message.startswith(f"a mixture's adapters must be registered, got {other!r}: ")
    got = ask(server, "x:0+me/y:1", ann)
    assert "for 'x'" in got.json()["error"]["message"]


def upload(server, serving, seed):
    weights = serving.weights(server.engine.adapters, seed, 2)
    return pack(weights.for_sites(server.engine.adapters.sites))


def test_requests_finish_on_the_old_part_and_later_ones_have_the_new(served, serving):
    """One choice runs and two wait when the part is replaced."""
    server = served(adapters=2, max_active=1)
    old = answer(server, MIX, max_tokens=40)
    params = [SamplingParams(max_tokens=40, ignore_eos=True)] * 3
    ids = server.engine.tokenizer("hello").input_ids
    mixture = {"a0": 0.7, "a1": 0.3}
    tickets = server.engine.submit_all([ids] * 3, params, adapter=mixture, sinks=[None] * 3)
    first = next(iter(tickets[0]))
    got = server.http().put("/v1/adapters/a0", content=upload(server, serving, 70), headers=ZIP)
    assert got.status_code == 200
    rest = tickets[0].result()
    assert first.text + rest.text == old
    assert [t.result().text for t in tickets[1:]] == [old] * 2
    new = answer(server, MIX, max_tokens=40)
    assert new == direct(server, "hello", mixture, 40) != old
    end = time.monotonic() + 20
    while len(server.engine.bank) != 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert not any("#" in repr(key) for key in server.engine.bank.resident)


def test_a_part_is_deleted_once_no_request_needs_it(served, serving):
    server = served(adapters=2)
    answer(server, MIX)
    ids = server.engine.tokenizer("hello").input_ids
    ticket = server.engine.submit(
        ids, adapter={"a0": 0.7, "a1": 0.3}, params=SamplingParams(max_tokens=400, ignore_eos=True)
    )
    assert server.http().delete("/v1/adapters/a1").status_code == 409
    ticket.cancel()
    ticket.result()
    assert server.http().delete("/v1/adapters/a1").status_code == 200
    got = ask(server, MIX)
    assert got.status_code == 404 and "'a1'" in got.json()["error"]["message"]
    assert answer(server, "a0")
