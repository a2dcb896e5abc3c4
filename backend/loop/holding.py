"""Holding a group while something is done for it: the lease, renewed in the background."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from backend.loop.services import Services

log = structlog.get_logger(__name__)


@contextmanager
def held(services: Services, project: int, name: str, owner: str) -> Iterator[threading.Event]:
    """Renew a lease that the owner has taken, and give it back at the end; yields an event that is set when it was lost."""
    leases, seconds = services.registry.leases, services.settings.lease_seconds
    done, lost = threading.Event(), threading.Event()

    def renew() -> None:
        while not done.wait(seconds / 3):
            try:
                kept = leases.renew(project, name, owner, seconds)
            except Exception as error:  # the database is away: the lease may well outlive that
                log.warning("lease not renewed yet", project=project, group=name, why=str(error))
                continue
            if not kept:
                lost.set()
                return

    thread = threading.Thread(target=renew, name=f"lease {name}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()
        leases.release(project, name, owner)
