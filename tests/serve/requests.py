"""Requests of the engine's tests, and what their answers have to be."""

import pytest

from t2l_fast.serve import SamplingParams

TOLERANCE = 1e-3

ways = pytest.mark.parametrize("attention", ["paged", "padded"])
"""Both loops."""


def params(count: int, **options) -> SamplingParams:
    return SamplingParams(max_tokens=count, **({"ignore_eos": True} | options))


def check(serving, model, adapters, served) -> None:
    """`served`: (adapter, prompt, tokens). Each replayed alone, after the engine was closed."""
    for adapter, prompt, tokens in served:
        assert serving.shortfall(model, adapters, adapter, prompt, tokens) <= TOLERANCE


def run_all(engine, requests, count):
    """`requests`: (adapter, prompt); all at once."""
    tickets = [engine.submit(p, adapter=a, params=params(count)) for a, p in requests]
    return [(a, p, t.result().tokens) for (a, p), t in zip(requests, tickets, strict=True)]
