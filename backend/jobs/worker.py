"""The process that consumes the queue: one thread trains, one does the upkeep, one watches the clock."""

import os
import threading
from collections.abc import Callable

import structlog
from huey.consumer import Consumer

from backend.jobs.complaints import Complaints
from backend.jobs.queue import HueyQueue

POLL_SECONDS = 0.25
"""Longest sleep between looks into an empty queue: its cost is one small SQLite read."""

log = structlog.get_logger(__name__)


class _QuietConsumer(Consumer):  # type: ignore[misc]
    """Huey's consumer, with signals left to the process that hosts several of them."""

    def _set_signal_handlers(self) -> None:
        pass


def work(
    queue: HueyQueue, stop: threading.Event, tick: Callable[[], None], tick_seconds: float, complaints: Complaints
) -> None:
    """Consume the queue until `stop` is set, calling `tick` now and every `tick_seconds`.

    `tick` finds work that no message tells of: after a crash, a lost job, or an event that never came.
    A running job is not waited for: it is told by `stop` too, and what it leaves undone is known to the registry.
    """
    consumers = [
        _QuietConsumer(huey, workers=1, periodic=False, max_delay=POLL_SECONDS, check_worker_health=False)
        for huey in (queue.training, queue.upkeep)
    ]
    for consumer in consumers:
        consumer.start()
    while not stop.is_set():
        with complaints.about("the look-round"):
            tick()
        stop.wait(tick_seconds)
    for consumer in consumers:
        consumer.stop_flag.set()
    for consumer in consumers:
        for _, thread in consumer.worker_threads:
            thread.join(10)


def stop_with_parent(stop: threading.Event, parent: int, seconds: float = 1.0) -> threading.Thread:
    """Set `stop` when process `parent` is gone, so that a killed server leaves no worker behind."""

    def watch() -> None:
        while not stop.wait(seconds):
            if os.getppid() != parent:
                stop.set()  # first: it may have been the server that read what is logged
                log.warning("the server is gone; the worker stops", server=parent)

    thread = threading.Thread(target=watch, name="parent-watch", daemon=True)
    thread.start()
    return thread
