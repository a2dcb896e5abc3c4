"""Memory estimate of a training: too much, and the system ends the worker, or the server in its place."""

import os
from contextlib import suppress
from pathlib import Path

import structlog

from backend.errors import TrainingError
from backend.settings import Settings

FITTING_BYTES = 300_000_000
"""Bytes that the fitting itself takes, whatever the frames: networks see them scaled. Measured on five frames of full HD:
0.21 GB for masks, 0.26 GB for boxes."""
FREE_MEMORY_SHARE = 0.9
"""Of the memory that is free when a training begins."""
EASY_VICTIM = 500
"""Of 1,000; the system ends the process with the highest score first, which shall be the worker and not the server."""

log = structlog.get_logger(__name__)


def room(settings: Settings) -> int | None:
    """Bytes that a training may take now; None where nobody says."""
    if settings.training_mb:
        return settings.training_mb * 1_000_000
    free = free_bytes()
    return None if free is None else int(FREE_MEMORY_SHARE * free)


def free_bytes(system: Path = Path("/")) -> int | None:
    """Memory that is free, in bytes: of the machine, or of the container where it has less."""
    known = [free for free in (_machine(system), *_container(system)) if free is not None]
    return min(known) if known else None


class Held:
    """What one training holds in memory, of what it may."""

    def __init__(self, room: int | None) -> None:
        self._room = room
        self._frames = self._nbytes = 0

    def take(self, nbytes: int, frames: int = 0) -> None:
        """Raises TrainingError where so many more bytes do not fit, so many frames in them."""
        self._frames += frames
        self._nbytes += nbytes
        if self._room is not None and FITTING_BYTES + self._nbytes > self._room:
            raise TrainingError(
                f"Too little memory: {self._frames} labelled frames and what is drawn in them take "
                f"{self._nbytes / 1e6:,.0f} MB or more, the training itself about {FITTING_BYTES / 1e6:,.0f} MB, and it may take "
                f"{self._room / 1e6:,.0f} MB. Give the worker more memory (or raise MICRO_MODELS_TRAINING_MB, where it is "
                "set), or label fewer or smaller frames in this group."
            )


def offer_itself() -> None:
    """Has the system end this process rather than others when memory is out; nothing where it does not know such a wish."""
    with suppress(OSError):
        Path(f"/proc/{os.getpid()}/oom_score_adj").write_text(str(EASY_VICTIM))


def _machine(system: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in (system / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _container(system: Path) -> list[int | None]:
    """By its control group, of either version; what files take there is given back when it is needed."""
    group = system / "sys/fs/cgroup"
    second = _left(group / "memory.max", group / "memory.current", group / "memory.stat", "inactive_file")
    first = group / "memory"
    return [
        second,
        _left(
            first / "memory.limit_in_bytes",
            first / "memory.usage_in_bytes",
            first / "memory.stat",
            "total_inactive_file",
        ),
    ]


def _left(limit: Path, usage: Path, stat: Path, files: str) -> int | None:
    with suppress(OSError, ValueError):
        most, used = int(limit.read_text()), int(usage.read_text())  # `max` is no number: there is no limit
        for line in stat.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == files:
                used -= int(value)
        return max(0, most - used)
    return None
