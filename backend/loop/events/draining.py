"""From the inbox into the registry: events are kept when they come, and recorded in batches by one writer at a time."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from backend.loop.events.on_event import on_event, on_events
from backend.loop.services import Services
from backend.studio import events
from model_registry import Arrival

GATHER_SECONDS = 0.1
"""Pause between the arrival of an event and its recording: those that come meanwhile share a transaction."""
LOOK_SECONDS = 1.0
"""Pause between looks for events that another process accepted."""
AGAIN_SECONDS = 1.0
"""Pause after the registry took no writes."""
PATIENCE_SECONDS = 60.0
"""Longest wait for another process that records; longer than one may wait for the registry's write lock."""

log = structlog.get_logger(__name__)


def receive(services: Services, payload: Mapping[str, Any], vouched: bool = False) -> str:
    """Keep an event for whoever records; returns what was done, in a word for the answer.

    Never waits for the registry's writers. Raises InboxError where the event cannot be kept; then its project is
    compared with Label Studio, which has what the event told of.
    """
    event = events.parse(payload)
    if isinstance(event, events.Ignored):
        return on_event(services, event)
    try:
        services.registry.inbox.append(event.project, json.dumps(payload), vouched)
    except Exception:
        services.queue.enqueue_sweep(event.project)
        raise
    return "received"


def drain(services: Services) -> bool:
    """Record what waits, the oldest first, unless another thread or process is at it; whether nothing waits any more."""
    inbox = services.registry.inbox
    with inbox.recorder() as alone:
        while alone and (batch := inbox.take()):
            _record(services, batch)
    return alone or inbox.waiting() == 0


def settle(services: Services) -> None:
    """Return when all that came before the call is recorded, by whoever."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not drain(services):
        if time.monotonic() > give_up:
            log.warning("events wait in the inbox for too long", waiting=services.registry.inbox.waiting())
            return
        time.sleep(GATHER_SECONDS)


class Recorder:
    """A thread that records what comes, until it is stopped."""

    def __init__(self, services: Services) -> None:
        self._services, self._stop = services, threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin with what lies there already."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch at hand; what waits is recorded by whoever starts next."""
        self._stop.set()
        self._services.registry.inbox.arrived.set()
        self._thread.join(AGAIN_SECONDS)

    def _run(self) -> None:
        arrived = self._services.registry.inbox.arrived
        while not self._stop.is_set():
            arrived.clear()
            try:
                drain(self._services)
            except Exception as error:
                log.error("events wait in the inbox, the registry takes none", why=f"{type(error).__name__}: {error}")
                self._stop.wait(AGAIN_SECONDS)
                continue
            if arrived.wait(LOOK_SECONDS):
                self._stop.wait(GATHER_SECONDS)


def _record(services: Services, batch: Sequence[Arrival]) -> None:
    """Record a batch, project by project, in order. Raises what the registry raises when it takes no writes."""
    of_project = defaultdict[int, list[Arrival]](list)
    for arrival in batch:
        of_project[arrival.project].append(arrival)
    for arrivals in of_project.values():
        try:
            vouched = any(arrival.vouched for arrival in arrivals)
            on_events(services, [_event(arrival) for arrival in arrivals], vouched)
        except Exception as error:
            log.info("a batch of events is recorded one by one", why=f"{type(error).__name__}: {error}")
            for arrival in arrivals:
                _record_alone(services, arrival)
        services.registry.inbox.done([arrival.id for arrival in arrivals])


def _record_alone(services: Services, arrival: Arrival) -> None:
    """Record one event, or set it aside with the reason where it fails twice although the registry takes writes."""
    for _ in range(2):
        try:
            on_events(services, [_event(arrival)], arrival.vouched)
            return
        except Exception as error:
            if not services.registry.takes_writes():
                raise
            why = f"{type(error).__name__}: {error}"
    log.error("event refused; its project is compared with Label Studio", project=arrival.project, why=why)
    services.registry.inbox.refuse(arrival.id, why)
    services.queue.enqueue_sweep(arrival.project)


def _event(arrival: Arrival) -> events.Event:
    return events.parse(json.loads(arrival.event))
