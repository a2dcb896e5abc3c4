"""Figures for Prometheus: requests as they pass, and the state of the groups as the registry has it."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
        self._registry.register(_Counts(services))

    async def observe(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Middleware that times every request."""
        started = time.perf_counter()
        response = await answer(request)
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        self._seconds.labels(path, str(response.status_code)).observe(time.perf_counter() - started)
        return response

    def render(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


class _Counts(Collector):
    """Groups by state, and events that are not recorded, counted when asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        now = self._services.clock()
        groups = GaugeMetricFamily("micro_models_groups", "Groups by state.", labels=["state"])
        for state, count in Counter(g.state(now) for g in self._services.registry.groups.all() if g.tasks).items():
            groups.add_metric([state], count)
        yield groups
        inbox = self._services.registry.inbox
        what = "Events that are not recorded: they wait, or were refused."
        events = GaugeMetricFamily("micro_models_inbox_events", what, labels=["state"])
        events.add_metric(["waiting"], inbox.waiting())
        events.add_metric(["refused"], len(inbox.refused()))
        yield events

    def describe(self) -> Iterator[Metric]:
        return iter(())
