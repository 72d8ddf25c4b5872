"""`t2l serve` as a process: what it refuses, what a kill leaves, how it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import torch

import t2l_fast as t2l
from t2l_fast.generators import T2LConfig, TextToLora

START = 120  # seconds


@pytest.fixture(scope="module")
def folders(tools, tmp_path_factory):
    """A base model and a one-hot generator for it, on disk."""
    root = tmp_path_factory.mktemp("served")
    model = tools.model()
    model.save_pretrained(root / "base")
    tools.tokenizer().save_pretrained(root / "base")
    config = T2LConfig.for_model(
        model,
        lora=t2l.LoraConfig(("q_proj",), rank=2, alpha=2),
        task_embedding_size=2,
        latent_size=8,
        head_in_size=8,
        encoder="one_hot",
        task_names=("alpha", "beta"),
        base_model=str(root / "base"),
        prompt_template="{input}",
    )
    TextToLora(config).save_pretrained(root / "generator")
    return root


def command(folders, *options) -> list[str]:
    own = ["--checkpoint", str(folders / "generator"), "--cache-tokens", "4096", *options]
    return [sys.executable, "-m", "t2l_fast.cli", "serve", *own]


class Process:
    def __init__(self, folders, *options) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            command(folders, "--port", str(self.port), *options),
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + START
        while True:
            try:
                httpx.get(f"{self.url}/health").raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None, self.process.stderr.read()
                assert time.monotonic() < end
                time.sleep(0.1)

    def end(self, how: int) -> int:
        self.process.send_signal(how)
        return self.process.wait(60)


@pytest.mark.nightly
def test_a_kill_during_registrations_loses_nothing_that_was_acknowledged(folders, tmp_path):
    store = tmp_path / "adapters.sqlite"
    server = Process(folders, "--store", str(store))
    acknowledged, tried, lock = [], [], threading.Lock()

    def register(worker: int) -> None:
        for i in range(10_000):
            names = [f"w{worker}-{i}-{k}" for k in range(5)]
            with lock:
                tried.append(names)
            try:
                body = {"texts": ["alpha"] * 5, "names": names}
                got = httpx.post(f"{server.url}/v1/adapters", json=body)
            except httpx.HTTPError:
                return
            assert got.status_code == 201
            with lock:
                acknowledged.append(names)

    threads = [threading.Thread(target=register, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 40:
        time.sleep(0.01)
    server.end(signal.SIGKILL)
    for thread in threads:
        thread.join()
    again = Process(folders, "--store", str(store))
    page = httpx.get(f"{again.url}/v1/adapters", params={"limit": 10_000}).json()
    found = {entry["id"] for entry in page["data"]}
    assert len(acknowledged) >= 40
    assert {name for names in acknowledged for name in names} <= found
    assert all(len(found & set(names)) in (0, 5) for names in tried)  # none half written
    body = {"model": acknowledged[-1][0], "prompt": "x", "max_tokens": 2}
    assert httpx.post(f"{again.url}/v1/completions", json=body).status_code == 200
    assert again.end(signal.SIGTERM) in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_a_server_with_keys_logs_no_text_and_ends_in_order(folders, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("ann:0123456789abcdef\n")
    server = Process(folders, "--keys", str(keys), "--served-name", "base")
    headers = {"Authorization": "Bearer 0123456789abcdef"}
    assert httpx.get(f"{server.url}/v1/models").status_code == 401
    with httpx.Client(base_url=server.url, headers=headers) as http:
        assert http.get("/v1/models").json()["data"][0]["id"] == "base"
        assert http.get("/v1/models/t2l:xylophone").status_code == 404
        body = {"model": "base", "prompt": "xylophone", "max_tokens": 400, "ignore_eos": True}
        with http.stream("POST", "/v1/completions", json=body | {"stream": True}) as stream:
            lines = stream.iter_lines()
            next(lines)
            server.process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line][-1] == "data: [DONE]"
    server.process.wait(60)
    log = server.process.stderr.read()
    assert "GET /v1/models/{model:path} 404" in log
    assert "xylophone" not in log


def test_a_port_that_is_taken_is_known_at_once(folders, capsys, monkeypatch):
    from t2l_fast.cli import main

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["t2l", "serve", "--port", port, "--checkpoint", "/none"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    assert f"can't listen on 127.0.0.1:{port}" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--keys", "/nowhere"], "keys file /nowhere"),
        (["--checkpoint", ""], "name one"),
        (["--checkpoint", "", "--model", "x"], "--target-modules and --rank-max are needed"),
        (["--dtype", "int7"], "--dtype must be"),
        (["--cache-tokens", "4"], "cache_tokens"),
        (["--checkpoint", "/nowhere"], "/nowhere"),
    ],
    ids=["keys", "no model", "no targets", "dtype", "cache", "checkpoint"],
)
def test_a_users_mistake_is_one_sentence(folders, options, words, capsys, monkeypatch):
    from t2l_fast.cli import main

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    monkeypatch.setattr(sys, "argv", ["t2l", *command(folders)[3:], "--port", port, *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("targets", "exclude", "keys"),
    [
        ("q_proj, v_proj", "", {"q_proj", "v_proj"}),
        ("q_proj,v_proj", "v_proj", {"q_proj"}),
        (r".*layers\.0\..*\.(q|v)_proj", "", {"q_proj", "v_proj"}),
        ("all-linear", r".*\.(mlp|self_attn)\.(?!q_proj).*", {"q_proj"}),
        ("all-linear", "mlp,o_proj", {"q_proj", "k_proj", "v_proj"}),
    ],
)
def test_options_name_the_linears_that_take_adapters(folders, targets, exclude, keys):
    from t2l_fast.cli.serve import _load, _names

    base, places = str(folders / "base"), (_names(targets), _names(exclude))
    loaded = _load("", base, "", torch.device("cpu"), 1, 4, places, None, False)
    assert set(loaded.adapters.sites) == keys
