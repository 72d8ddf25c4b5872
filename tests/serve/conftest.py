"""An engine over the tiny model, with random adapters strong enough to change its answers."""

import threading
from contextlib import contextmanager

import pytest
import torch

import t2l_fast as t2l
from t2l_fast.serve import Engine, EngineConfig

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
            yield engine
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
