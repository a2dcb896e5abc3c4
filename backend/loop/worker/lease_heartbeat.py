"""Lease heartbeat: keeps a group's lease while something is done for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.cancel import CancelSource, CancelToken
from backend.errors import LeaseLost
from backend.jobs.complaints import Complaints
from backend.loop.services import Services
from model_registry import Lease


@contextmanager
def lease_heartbeat(services: Services, lease: Lease) -> Iterator[CancelToken]:
    """Renew a lease that its owner has taken, in the background, and release it at the end.

    The token that it yields raises LeaseLost once the lease is lost.
    """
    leases, seconds = services.registry.leases, services.settings.lease_seconds
    done, lost, complaints = threading.Event(), CancelSource(), Complaints()

    def renew() -> None:
        while not done.wait(seconds / 3):
            kept = True
            # Where the database is away the lease may well outlive that.
            with complaints.about(f"the lease of group {lease.group} in project {lease.project}"):
                kept = leases.renew(lease, seconds)
            if not kept:
                lost.cancel(f"The lease of group {lease.group!r} was lost; another worker does its work.", LeaseLost)
                return

    thread = threading.Thread(target=renew, name=f"lease {lease.group}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        done.set()
        thread.join()
        leases.release(lease)
