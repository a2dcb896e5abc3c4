"""Database errors: what is the matter with one that cannot be used, in one line with the remedy."""

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from backend.errors import RegistryUnavailable

SAID_BY_SQLITE = {
    "locked": "is locked by another process. Stop what holds it (`fuser` names it), or wait until it is done",
    "full": "cannot be written: the disk is full. Make room; what was not written is done again by itself",
    "readonly": "cannot be written: its file or folder is read-only for this user. Give it the right to write",
    "unable to open": "cannot be opened. Expected a file in a folder that this user may write to, with room",
    "disk i/o error": "cannot be read or written: the disk answers with an error, or is full. Make room, look at the disk",
}
"""By a part of SQLite's message, in lower case."""
DAMAGE = ("malformed", "not a database", "no such table", "no such column", "unsupported file format")
"""Parts of the messages that tell of a file which is not, or not any more, what we wrote."""


def unavailable(url: URL, error: Exception) -> RegistryUnavailable | None:
    """The error to raise in place of the driver's; None where a statement is at fault, not the database."""
    found = getattr(error, "orig", None) or error
    if url.get_backend_name() != "sqlite":
        return _away(url, error)
    said = str(found).lower()
    if any(part in said for part in DAMAGE):
        return damaged(url, str(found))
    for part, what in SAID_BY_SQLITE.items():
        if part in said:
            return RegistryUnavailable(f"The registry's file {url.database} {what} ({found}).")
    return None


def damaged(url: URL, what: str) -> RegistryUnavailable:
    """The error that tells of damage, and how to get out of it."""
    where = f"file {url.database}" if url.get_backend_name() == "sqlite" else f"database {url.render_as_string()}"
    return RegistryUnavailable(
        f"The registry's {where} cannot be opened, it is damaged or no registry: {what}. Expected what micro-models "
        "wrote. Stop the backend and bring back a backup with `micro-models restore DIR`; without one, move it away and "
        "connect the projects again: labels come back from Label Studio, and are trained anew."
    )


def _away(url: URL, error: Exception) -> RegistryUnavailable | None:
    """PostgreSQL: its server is away, refuses us or has no room."""
    if not isinstance(error, DBAPIError) or not (error.connection_invalidated or isinstance(error, OperationalError)):
        return None
    said = " ".join(str(error.orig).split())
    return RegistryUnavailable(
        f"The registry's database {url.render_as_string()} cannot be opened or written: {said}. "
        "Check that it runs, has room, that the URL is right and that this user may write to it."
    )
