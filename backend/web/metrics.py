"""Figures for Prometheus: requests as they pass, and what registry, queue and disk say."""

import time
from collections.abc import Iterator

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import in_words
from backend.loop.services import Services
from backend.loop.worker.health import free_disk_bytes

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 100.0)
"""Seconds; among them the limits of Label Studio: 1 (health, webhook), 3 (setup), 100 (predict)."""

log = structlog.get_logger(__name__)


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
        self._refused = Counter(
            "micro_models_refused_events",
            "Webhooks that changed nothing: refused, or ignored.",
            ["why"],
            registry=self._registry,
        )
        self._registry.register(_House(services))

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
                    self._note(scope, status, time.perf_counter() - started)

        return timed

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", "other")
        self._seconds.labels(path, str(status)).observe(seconds)
        if scope["path"].endswith("/webhook") and status >= 400:
            self._refused.labels(str(status)).inc()
        elif scope.get("state", {}).get("ignored"):
            self._refused.labels("ignored").inc()

    def render(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


class _House(Collector):
    """What the registry and the machine say, asked when somebody asks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        for figure in (self._groups, self._events, self._wait, self._workers, self._queue, self._disk):
            try:
                yield figure()
            except Exception as error:  # registry or queue are away: the other figures say so
                log.warning("no figure", what=figure.__name__.strip("_"), why=in_words(error))

    def _groups(self) -> Metric:
        groups = GaugeMetricFamily("micro_models_groups", "Groups by state.", labels=["state"])
        for state, count in self._services.registry.listing.states().items():
            groups.add_metric([state], count)
        return groups

    def _events(self) -> Metric:
        inbox, what = self._services.registry.inbox, "Events that are not recorded: they wait, or were refused."
        events = GaugeMetricFamily("micro_models_inbox_events", what, labels=["state"])
        events.add_metric(["waiting"], inbox.waiting())
        events.add_metric(["refused"], len(inbox.refused()))
        return events

    def _wait(self) -> Metric:
        now = self._services.clock()
        since = self._services.registry.groups.waits_since(now)
        longest = 0.0 if since is None else max(0.0, now - since)
        return _gauge("oldest_wait_seconds", "How long the group waits that waits longest.", longest)

    def _workers(self) -> Metric:
        now, workers = self._services.clock(), self._services.registry.workers.all()
        return _gauge("workers_alive", "Workers that gave a sign of life.", sum(w.alive(now) for w in workers))

    def _queue(self) -> Metric:
        waiting = self._services.registry.listing.states().get("queued", 0)
        return _gauge("queue_depth", "Groups that wait for a worker.", waiting)

    def _disk(self) -> Metric:
        return _gauge("disk_left_bytes", "Free space on the data folder's disk.", free_disk_bytes(self._services))

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"micro_models_{name}", what, value)
