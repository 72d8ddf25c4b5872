"""An engine over the tiny model, with random adapters strong enough to change its answers."""

import logging
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import openai
import pytest
import torch

import t2l_fast as t2l
from t2l_fast.serve import Engine, EngineConfig
from t2l_fast.serve.http.app import create_app
from t2l_fast.serve.http.listen import listener

TARGETS = ("q_proj", "v_proj", "down_proj")
CONFIG = t2l.LoraConfig(TARGETS, rank=4, alpha=8)


def _weights(adapters, seed: int, rank: int = 4) -> t2l.LoraWeights:
    generator = torch.Generator().manual_seed(seed)
    parts: tuple[dict, dict] = ({}, {})
    for m, sites in adapters.sites.items():
        for made, width in zip(parts, (sites[0].in_features, sites[0].out_features), strict=True):
            made[m] = torch.randn(len(sites), rank, width, generator=generator)
    config = t2l.LoraConfig(TARGETS, rank=rank, alpha=2 * rank)
    return t2l.LoraWeights(config, *parts)


def _attached(tiny, *, slots=8, adapters=0, generator=None, **options):
    torch.manual_seed(3)
    model = tiny.model(max_position_embeddings=1024, **options)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            parameter.data.mul_(4.0)
    config = generator.config.lora if generator is not None else CONFIG
    made = t2l.attach(model, config, num_slots=slots, rank_max=8, generator=generator)
    names = [f"a{i}" for i in range(adapters)]
    if names:
        ranks = (2, 4, 8)
        made.bank.register(
            weights=[_weights(made, i, ranks[i % 3]) for i in range(adapters)], names=names
        )
    return model, made


@contextmanager
def _engine(tiny, *, slots=8, adapters=0, generator=None, model_options=None, **config):
    model, made = _attached(
        tiny, slots=slots, adapters=adapters, generator=generator, **(model_options or {})
    )
    sizes = dict(max_active=8, max_batch_tokens=256, cache_tokens=8192, page_size=16) | config
    try:
        with Engine(model, tiny.tokenizer(), made, EngineConfig(**sizes)) as engine:
            engine.model, engine.adapters = model, made
            try:
                yield engine
            finally:
                engine.close(timeout=30)  # what hangs fails, instead of hanging
    finally:
        made.detach()


def _prompt(seed: int, length: int) -> list[int]:
    generator = torch.Generator().manual_seed(1000 + seed)
    return torch.randint(5, 90, (length,), generator=generator).tolist()


@torch.no_grad()
def _shortfall(model, adapters, adapter, prompt, tokens) -> float:
    """How far any served token's logit lies below the best, its request replayed alone."""
    ids = torch.tensor([[*prompt, *tokens]])
    with adapters.bank.lease([adapter]) as lease, adapters.use(lease):
        logits = model(ids, use_cache=False).logits[0, len(prompt) - 1 : -1]
    chosen = logits.gather(1, torch.tensor(tokens)[:, None])[:, 0]
    return float((logits.max(-1).values - chosen).max())


@contextmanager
def _held(engine):
    """The engine waits between two steps meanwhile."""
    gate, reached = threading.Event(), threading.Event()
    engine.run(lambda: (reached.set(), gate.wait(30)))
    assert reached.wait(30)
    try:
        yield
    finally:
        gate.set()


@pytest.fixture
def serving(tiny):
    class Serving:
        weights = staticmethod(_weights)
        prompt = staticmethod(_prompt)
        shortfall = staticmethod(_shortfall)
        held = staticmethod(_held)

        @staticmethod
        def engine(**options):
            return _engine(tiny, **options)

        @staticmethod
        def attached(**options):
            return _attached(tiny, **options)

    return Serving


class Log(logging.Handler):
    """Every record that anything but the tests' own clients logs, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in ("httpx", "httpcore", "openai"):
            return
        self.text += logging.Formatter().format(record) + "\n"


class Server:
    """The application of one engine on a port of this machine, in a thread."""

    def __init__(self, engine, grace=60.0, **options) -> None:
        app = create_app(engine, base="tiny", **options)
        self.engine = engine
        self.app = app
        self._uvicorn = listener(app, engine, grace=grace, port=0)
        self._thread = threading.Thread(target=self._uvicorn.run)
        self._thread.start()
        while not self._uvicorn.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        port = self._uvicorn.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def http(self, key: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=False)

    def openai(self, key: str = "none") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)

    def ask_to_stop(self) -> None:
        self._uvicorn.should_exit = True

    def stop(self) -> None:
        self.ask_to_stop()
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def _servers(tiny):
    with ExitStack() as stack:

        def make(
            *, keys=None, limits=None, template=None, chat_template=None, grace=60.0, **options
        ):
            engine = stack.enter_context(_engine(tiny, **options))
            engine.tokenizer.chat_template = chat_template
            server = Server(engine, grace, keys=keys, limits=limits, template=template)
            stack.callback(server.stop)
            return server

        yield make


@pytest.fixture
def served(tiny):
    """Make servers: `served(generator=…, keys=…, limits=…, template=…, **engine options)`."""
    with _servers(tiny) as make:
        yield make


@pytest.fixture(scope="module")
def served_to_all(tools):
    """The same, for the tests of a file to share."""
    with _servers(tools) as make:
        yield make


@pytest.fixture
def everything_logged():
    handler, root = Log(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
