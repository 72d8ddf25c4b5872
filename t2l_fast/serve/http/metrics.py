"""Metrics in Prometheus' format; no label says whose request it was, or what it asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from t2l_fast.serve.engine.engine import Engine

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """What a server counts, and what it reads off its engine when asked."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_EngineCollector(engine))
        own: dict[str, Any] = {"registry": self._registry, "namespace": "t2l"}
        self.responses = Counter(
            "http_responses", "HTTP responses.", ("method", "route", "status"), **own
        )
        self.first_token = Histogram(
            "first_token_seconds", "From a request to its first token.", buckets=SECONDS, **own
        )
        self.answer = Histogram(
            "answer_seconds", "From a request to its last token.", buckets=SECONDS, **own
        )

    def text(self) -> bytes:
        """Return the metrics in Prometheus' exposition format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Any]:
        engine, stats, bank = self._engine, self._engine.stats, self._engine.bank
        yield InfoMetricFamily("t2l_engine", "How the model runs.", {"path": engine.proof.path})
        requests = CounterMetricFamily(
            "t2l_requests", "Requests that ended, by reason.", labels=["finish"]
        )
        for reason, count in stats.requests.items():
            requests.add_metric([reason], count)
        yield requests
        counters = {
            "t2l_prompt_tokens": ("Tokens of admitted prompts.", stats.prompt_tokens),
            "t2l_generated_tokens": ("Tokens generated.", stats.generated_tokens),
            "t2l_slot_hits": ("Leases of adapters that had a slot.", bank.hits),
            "t2l_slot_misses": ("Adapters made or loaded into a slot.", bank.misses),
        }
        for name, (description, value) in counters.items():
            yield CounterMetricFamily(name, description, value)
        gauges = {
            "t2l_active_requests": ("Requests that run.", engine.active),
            "t2l_queued_requests": ("Requests that wait.", engine.queued),
            "t2l_adapters": ("Registered adapters.", len(bank)),
            "t2l_slots": ("Slots.", bank.slab.num_slots),
            "t2l_slots_filled": ("Slots that hold an adapter.", len(bank.resident)),
        }
        for name, (description, value) in gauges.items():
            yield GaugeMetricFamily(name, description, value)
