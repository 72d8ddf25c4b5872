"""Minutes of a server under everything at once; then every answer is checked against a replay.

Clients ask with random adapters, of which there are more than slots, stream or not, hang up in the
middle, send nonsense, register, download and delete. A greedy answer is right when each of its
tokens has, in its request replayed alone, a logit within 1e-3 of the largest.

    python benchmarks/experiments/soak/run.py --minutes 10
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import torch
import uvicorn

import t2l_fast as t2l
from t2l_fast.serve import Engine, EngineConfig
from t2l_fast.serve.config import Limits
from t2l_fast.serve.http.app import create_app
from t2l_fast.tasks import Prompt, load_suite

SLOTS, CLIENTS, ADAPTERS, TOLERANCE = 8, 24, 40, 1e-3
RESULT = Path(__file__).parents[2] / "results" / "soak.json"


class Soak:
    """What the clients did and got."""

    def __init__(self, url: str, prompt: Prompt, texts: list[str], inputs: list[str]) -> None:
        self.http = httpx.Client(
            base_url=url, timeout=300, limits=httpx.Limits(max_connections=CLIENTS)
        )
        self.prompt, self.texts, self.inputs = prompt, texts, inputs
        self.end = False
        self.counts: Counter[str] = Counter()
        self.lost: list[str] = []
        self.answers: list[tuple[str | None, list[int], list[int]]] = []
        self.lock = threading.Lock()

    def client(self, seed: int) -> None:
        chance = random.Random(seed)
        actions = [
            *[self.ask] * 10, self.stream, self.stream, self.hang_up, self.hang_up, self.nonsense,
            self.come_and_go, self.download, self.inline, self.sample, self.stop, self.upload,
            self.many,
        ]  # fmt: skip
        while not self.end:
            action = chance.choice(actions)
            try:
                action(chance)
            except Exception as error:
                self.note(action.__name__, f"{type(error).__name__}: {error}")
            with self.lock:
                self.counts[action.__name__] += 1

    def note(self, what: str, problem: str) -> None:
        with self.lock:
            self.lost.append(f"{what}: {problem[:200]}")

    def body(self, chance: random.Random, **options) -> dict:
        ids = self.prompt.ids(chance.choice(self.inputs))
        name = None if chance.random() < 0.1 else f"s{chance.randrange(ADAPTERS)}"
        size = chance.choice((1, 4, 8, 24))
        own = {"model": name or "smollm2", "prompt": ids, "max_tokens": size, "temperature": 0}
        return own | {"return_token_ids": True, "ignore_eos": chance.random() < 0.5} | options

    def keep(self, body: dict, tokens: list[int], finish: str) -> None:
        name = None if body["model"] == "smollm2" else body["model"]
        short = len(tokens) < body["max_tokens"] and finish != "stop"
        if short or not tokens:
            self.note("keep", f"{len(tokens)} tokens, {finish}")
        with self.lock:
            self.answers.append((name, body["prompt"], tokens))

    def ask(self, chance: random.Random) -> None:
        body = self.body(chance)
        choice = self.answered(body)["choices"][0]
        self.keep(body, choice["token_ids"], choice["finish_reason"])

    def answered(self, body: dict) -> dict:
        got = self.http.post("/v1/completions", json=body)
        got.raise_for_status()
        return got.json()

    def stream(self, chance: random.Random) -> None:
        body = self.body(chance, stream=True)
        tokens, finish, done = [], None, False
        with self.http.stream("POST", "/v1/completions", json=body) as stream:
            for line in stream.iter_lines():
                done = done or line == "data: [DONE]"
                if line[6:7] == "{":
                    choice = json.loads(line[6:])["choices"][0]
                    tokens += choice["token_ids"]
                    finish = choice["finish_reason"] or finish
        if not done:
            self.note("stream", "no end")
        self.keep(body, tokens, finish or "")

    def hang_up(self, chance: random.Random) -> None:
        body = self.body(chance, stream=True, max_tokens=400, ignore_eos=True)
        with self.http.stream("POST", "/v1/completions", json=body) as stream:
            for _, _ in zip(range(chance.randrange(4)), stream.iter_lines(), strict=False):
                pass

    def nonsense(self, chance: random.Random) -> None:
        wrong = chance.choice(
            [{"model": "nobody"}, {"max_tokens": -1}, {"prompt": [10**9]}, {"max_tokens": 10**6}]
        )
        got = self.http.post("/v1/completions", json=self.body(chance, **wrong))
        if got.status_code not in (400, 404):
            self.note("nonsense", f"{wrong}: {got.status_code}")

    def come_and_go(self, chance: random.Random) -> None:
        texts = chance.sample(self.texts, 2)
        got = self.http.post("/v1/adapters", json={"texts": texts})
        names = [a["id"] for a in got.raise_for_status().json()["data"]]
        self.answered(self.body(chance, model=names[0], max_tokens=2))
        for name in names:
            self.http.delete(f"/v1/adapters/{name}").raise_for_status()

    def download(self, chance: random.Random) -> None:
        name = f"s{chance.randrange(ADAPTERS)}"
        self.http.get(f"/v1/adapters/{name}/download").raise_for_status()

    def inline(self, chance: random.Random) -> None:
        model = f"t2l:{chance.choice(self.texts[:ADAPTERS])}"
        self.answered(self.body(chance, model=model, max_tokens=2))

    def stop(self, chance: random.Random) -> None:
        """Leaves by a stop string, early most of the time."""
        body = self.body(chance, stop=[chance.choice(" aeiou\n")], max_tokens=100)
        choice = self.answered(body)["choices"][0]
        if any(s in choice["text"] for s in body["stop"]):
            self.note("stop", "went on")

    def many(self, chance: random.Random) -> None:
        body = self.body(chance, n=3, temperature=0.8, logprobs=2, presence_penalty=0.5)
        if len(self.answered(body)["choices"]) != 3:
            self.note("many", "choices are missing")

    def upload(self, chance: random.Random) -> None:
        got = self.http.get(f"/v1/adapters/s{chance.randrange(ADAPTERS)}/download")
        headers = {"content-type": "application/zip"}
        made = self.http.post("/v1/adapters", content=got.content, headers=headers)
        name = made.raise_for_status().json()["data"][0]["id"]
        self.answered(self.body(chance, model=name, max_tokens=2))
        self.http.delete(f"/v1/adapters/{name}").raise_for_status()

    def sample(self, chance: random.Random) -> None:
        body = self.body(chance, temperature=1.0, seed=5, ignore_eos=True)
        first, again = (self.answered(body)["choices"][0]["token_ids"] for _ in range(2))
        if len(first) != body["max_tokens"]:
            self.note("sample", "too short")
        # equal up to rounding at the edge of a token's share; counted, not required
        with self.lock:
            self.counts["equal draws"] += first == again


@torch.no_grad()
def replay(model, adapters, answers, chance: random.Random) -> dict[str, float]:
    """Check answers in batches, each under its own adapter and under a random other."""
    worst, wrong, likelier, compared = 0.0, 0, 0, 0
    by_length = sorted(answers, key=lambda a: len(a[1]) + len(a[2]))
    for start in range(0, len(by_length), 8):
        batch = by_length[start : start + 8]
        rows = [[*prompt, *tokens] for _, prompt, tokens in batch]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows])
        own = [name for name, *_ in batch]
        other = [chance.choice([f"s{i}" for i in range(ADAPTERS) if f"s{i}" != n]) for n in own]
        logits = []
        for names in (own, other):
            with adapters.bank.lease(names) as lease, adapters.use(lease):
                logits.append(model(ids, attention_mask=mask).logits)
        for i, (name, prompt, tokens) in enumerate(batch):
            where = slice(len(prompt) - 1, len(prompt) + len(tokens) - 1)
            mine, theirs = (part[i, where] for part in logits)
            index = torch.tensor(tokens)[:, None]
            gap = float((mine.max(-1).values - mine.gather(1, index)[:, 0]).max())
            worst, wrong = max(worst, gap), wrong + (gap > TOLERANCE)
            if name is not None:
                logs = [part.log_softmax(-1).gather(1, index).sum() for part in (mine, theirs)]
                compared += 1
                likelier += bool(logs[0] >= logs[1])
    return {
        "answers checked": len(answers),
        "wrong": wrong,
        "largest shortfall of a logit": worst,
        "at least as likely under its own adapter as under a random other": likelier / compared,
    }


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--minutes", type=float, default=10.0)
    minutes = options.parse_args().minutes
    model, tokenizer = t2l.load_model("smollm2")
    generator = t2l.TextToLora.from_pretrained("smollm2")
    adapters = t2l.attach(model, generator.config.lora, num_slots=SLOTS, generator=generator)
    tasks = load_suite().train[:: len(load_suite().train) // ADAPTERS][:ADAPTERS]
    adapters.bank.register(
        texts=[task.descriptions[0] for task in tasks], names=[f"s{i}" for i in range(ADAPTERS)]
    )
    engine = Engine(model, tokenizer, adapters, EngineConfig(max_active=16, cache_tokens=2048))
    app = create_app(engine, base="smollm2", limits=Limits())
    server = uvicorn.Server(uvicorn.Config(app, port=8765, access_log=False, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.1)
    soak = Soak(
        "http://127.0.0.1:8765",
        Prompt(tokenizer),
        [text for task in tasks for text in task.descriptions[:4]],
        [example.input for task in tasks for example in task.validation[:4]],
    )
    clients = [threading.Thread(target=soak.client, args=(i,)) for i in range(CLIENTS)]
    started = time.monotonic()
    for client in clients:
        client.start()
    memory: list[float] = []
    while time.monotonic() - started < 60 * minutes:
        time.sleep(15)
        memory.append(round(resident_mb(), 1))
        print(
            f"{time.monotonic() - started:4.0f} s  {memory[-1]:.0f} MB  {soak.counts}", flush=True
        )
    soak.end = True
    for client in clients:
        client.join()
    seconds = time.monotonic() - started
    metrics = soak.http.get("/metrics").text
    pinned = sum(adapters.bank._pins)
    server.should_exit = True
    engine.close()
    half = len(memory) // 2
    result = {
        "minutes": round(seconds / 60, 2),
        "where": f"{torch.get_num_threads()} threads, torch {torch.__version__}",
        "model": "SmolLM2-135M, fp32, the bundled generator",
        "clients, adapters, slots": [CLIENTS, ADAPTERS, SLOTS],
        "actions": dict(soak.counts),
        "lost": len(soak.lost),
        "what was lost": soak.lost[:10],
        "slots pinned at the end": pinned,
        "MB resident, median of second and fourth quarter": [
            sorted(memory[half // 2 : half])[(half - half // 2) // 2],
            sorted(memory[half + half // 2 :])[(len(memory) - half - half // 2) // 2],
        ],
        "engine": {k: v for k, v in engine.stats.requests.items()},
        "slot misses": next(
            float(line.split()[1])
            for line in metrics.splitlines()
            if line.startswith("t2l_slot_misses_total")
        ),
    } | replay(model, adapters, soak.answers, random.Random(0))
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
