"""SQLite files whose content can be had again, such as queues: a damaged one is set aside, and a new one begun."""

import fcntl
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import structlog

BUSY_SECONDS = 5.0
"""How long a look at a file waits for those who write to it."""

log = structlog.get_logger(__name__)


def damage(path: Path) -> str | None:
    """What SQLite finds wrong with the file; None where it is sound, missing, or cannot be looked at now."""
    if not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return None  # locked, no permission, no space: that is no damage, and whoever opens it says so
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else found


def set_aside_damaged(path: Path) -> Path | None:
    """Renames the file where it is damaged; returns its new name, else None. Any number of processes may try at once."""
    with path.with_name(path.name + ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = damage(path)
        if why is None:
            return None
        aside = _free_name(path)
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
    log.error(
        "a damaged file was set aside and a new one begun; what it held is found out again",
        file=str(path), set_aside=str(aside), why=why,
    )  # fmt: skip
    return aside


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = (
        path.with_name(f"{path.name}.damaged-{stamp}{suffix}") for suffix in ("", *(f"-{n}" for n in range(1, 100)))
    )
    return next(name for name in names if not name.exists())
