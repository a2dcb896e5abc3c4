"""Figures for Prometheus: requests as they pass, and the state of the groups as the registry has it."""

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.loop.services import Services

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 100.0)
"""Seconds; among them the limits of Label Studio: 1 (health, webhook), 3 (setup), 100 (predict)."""


class Metrics:
    """One application's figures."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, services: Services) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "micro_models_request_seconds",
            "Time to answer.",
            ["path", "status"],
            registry=self._registry,
            buckets=BUCKETS,
        )
        self._registry.register(_Groups(services))

    def observe(self, app: ASGIApp) -> ASGIApp:
        """The application with every request of it timed."""

        async def timed(scope: Scope, receive: Receive, send: Send) -> None:
            started, status = time.perf_counter(), 500

            async def note(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                await send(message)

            try:
                await app(scope, receive, note if scope["type"] == "http" else send)
            finally:
                if scope["type"] == "http":
                    path = getattr(scope.get("route"), "path", "other")
                    self._seconds.labels(path, str(status)).observe(time.perf_counter() - started)

        return timed

    def render(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


class _Groups(Collector):
    """Groups by state, counted when asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        now = self._services.clock()
        groups = GaugeMetricFamily("micro_models_groups", "Groups by state.", labels=["state"])
        for state, count in Counter(g.state(now) for g in self._services.registry.groups.all() if g.tasks).items():
            groups.add_metric([state], count)
        yield groups

    def describe(self) -> Iterator[Metric]:
        return iter(())
