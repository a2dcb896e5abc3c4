"""Worker process, fed by the queue: one thread trains, one does the upkeep, one watches the clock."""

import os
import threading
from collections.abc import Callable

import structlog
from huey.storage import BaseStorage

from backend.cancel import CancelSource
from backend.jobs.complaints import Complaints
from backend.jobs.queue import HueyQueue

POLL_SECONDS = 0.25
"""Sleep between looks into an empty queue: its cost is one small SQLite read."""
AWAY_SECONDS = 1.0
"""Pause after the queue could not be read."""
STOP_SECONDS = 10.0
"""How long each thread may take to notice that it shall stop."""

log = structlog.get_logger(__name__)


def work(
    queue: HueyQueue, stop: CancelSource, tick: Callable[[], None], tick_seconds: float, complaints: Complaints
) -> None:
    """Answer the queue with its handlers until `stop` is cancelled, calling `tick` now and every `tick_seconds`.

    `tick` finds work that no message tells of: after a crash, a lost message, or an event that never came.
    A running job is not waited for long: it is told by `stop` too, and what it leaves undone is known to the registry.
    """
    handlers = queue.handlers
    if handlers is None:
        raise ValueError("This queue has no handlers: only a worker may answer it, and makes it with them.")

    def sweep(message: bytes) -> None:
        if message.isdigit():
            handlers.sweep(int(message))
        else:
            log.warning("a message in the queue is no project's number; it is dropped", message=message[:100])

    lines = ((queue.groups, lambda _: handlers.run_groups()), (queue.projects, sweep))
    threads = [
        threading.Thread(target=_listen, args=(line, answer, stop), name=line.name, daemon=True)
        for line, answer in lines
    ]
    for thread in threads:
        thread.start()
    while not stop.cancelled:
        with complaints.about("the reconciler"):
            tick()
        stop.wait(tick_seconds)
    for thread in threads:
        thread.join(STOP_SECONDS)


def _listen(line: BaseStorage, answer: Callable[[bytes], None], stop: CancelSource) -> None:
    """Answer each message of a queue; one that cannot be answered costs itself alone."""
    away = False
    while not stop.cancelled:
        try:
            message = line.dequeue()
        except Exception as error:
            if not away:
                log.warning("the queue cannot be read; trying again", why=f"{type(error).__name__}: {error}")
            away = True
            stop.wait(AWAY_SECONDS)
            continue
        away = False
        if message is None:
            stop.wait(POLL_SECONDS)
            continue
        try:
            answer(bytes(message))
        except Exception:
            log.exception("a job failed; what is left to do is known to the registry", line=line.name)


def stop_with_server(stop: CancelSource, server_pid: int, seconds: float = 1.0) -> threading.Thread:
    """Cancel `stop` when process `server_pid` is gone, so that a killed server leaves no worker behind."""

    def watch() -> None:
        while not stop.wait(seconds):
            if os.getppid() != server_pid:
                stop.cancel(
                    "The server is gone; the worker stops."
                )  # first: it may have been the server that read what is logged
                log.warning("the server is gone; the worker stops", server=server_pid)

    thread = threading.Thread(target=watch, name="server-watch", daemon=True)
    thread.start()
    return thread
