"""Health check: the registry answers, a worker is alive, the disk has room."""

import shutil
from collections.abc import Sequence

from backend.errors import RegistryError
from backend.loop.services import Services
from model_registry import WorkerRecord

MB = 1_000_000


def no_worker_alive(workers: Sequence[WorkerRecord], now: float, *, details: bool = True) -> str | None:
    """That no worker lives, since when, and the last one's error (left out without `details`); None where one does, or may
    give its first sign of life in a moment. Pure."""
    if any(worker.alive(now) or worker.starting(now) for worker in workers):
        return None
    if not workers:
        return "No worker has run yet."
    last = max(workers, key=lambda worker: worker.gone_since)
    since = f"No worker runs since {duration(now - last.gone_since)}"
    return f"{since}: {last.last_error}" if details and last.last_error else f"{since}."


def worker_problem(services: Services) -> str | None:
    """What `no_worker_alive` says of the workers that there are."""
    return no_worker_alive(services.registry.workers.all(), services.clock())


def free_disk_bytes(services: Services) -> int:
    """Free bytes on the data folder's disk."""
    return shutil.disk_usage(services.settings.folder).free


def disk_problem(services: Services) -> str | None:
    """That the data folder's disk is nearly full; None where it has room."""
    left, floor = free_disk_bytes(services), services.settings.disk_floor_mb
    return None if left >= floor * MB else f"The data folder's disk has {left // MB} MB left, expected {floor} MB."


def health_problems(services: Services, *, details: bool = True) -> list[str]:
    """What keeps this backend from doing its work, in words (the details are left out without `details`); none where it is
    ready."""
    now, found = services.clock(), list[str]()
    try:
        workers = services.registry.workers.all()
    except RegistryError as error:
        found.append(str(error) if details else "The registry cannot be read.")
    else:
        if (problem := no_worker_alive(workers, now, details=details)) is not None:
            found.append(problem)
        elif not any(worker.alive(now) for worker in workers):
            found.append("The worker is starting.")
    if (problem := disk_problem(services)) is not None:
        found.append(problem)
    return found


def duration(seconds: float) -> str:
    """A time that has passed, in its largest unit."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
