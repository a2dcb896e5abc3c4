"""Holding a group while something is done for it: the lease, renewed in the background."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.jobs.complaints import Complaints
from backend.loop.services import Services


@contextmanager
def held(services: Services, project: int, name: str, owner: str) -> Iterator[threading.Event]:
    """Renew a lease that the owner has taken, and give it back at the end; yields an event that is set when it was lost."""
    leases, seconds = services.registry.leases, services.settings.lease_seconds
    done, lost, complaints = threading.Event(), threading.Event(), Complaints()

    def renew() -> None:
        while not done.wait(seconds / 3):
            kept = True
            # Where the database is away the lease may well outlive that.
            with complaints.about(f"the lease of group {name} in project {project}"):
                kept = leases.renew(project, name, owner, seconds)
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
