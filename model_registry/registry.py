"""The registry: all parts over one database and one artifact store."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.errors import RegistryError
from model_registry.artifacts import Artifacts
from model_registry.backup import Kept, Report, backup, restore
from model_registry.checkup import Checkup
from model_registry.clock import shared_clock
from model_registry.database import Database, open_database
from model_registry.features import Features
from model_registry.group_rows import touch
from model_registry.groups import Groups
from model_registry.imports import Imports
from model_registry.inbox import Inbox, open_inbox
from model_registry.labels import Labels, record_labels
from model_registry.leases import Leases
from model_registry.ledger import Ledger
from model_registry.listing import Listing
from model_registry.projects import Projects, lock_project
from model_registry.records import LabelRecord, TaskLike
from model_registry.retention import Retention
from model_registry.reviews import Reviews
from model_registry.tasks import Tasks, upsert_tasks
from model_registry.versions import Versions
from model_registry.workers import Workers


class Registry:
    """What is known about projects, tasks, labels, groups and versions. Each method of a part is one transaction.

    Safe to share between threads; each process opens its own.
    """

    def __init__(self, database: Database, artifacts: Artifacts, inbox: Inbox, clock: Callable[[], float]) -> None:
        self._database = database
        self.inbox = inbox
        self.clock = clock
        """Seconds since the epoch, the same on all machines that share the registry."""
        self.projects = Projects(database)
        self.tasks = Tasks(database, clock)
        self.labels = Labels(database, clock)
        self.groups = Groups(database, clock)
        self.leases = Leases(database, clock)
        self.versions = Versions(database, clock)
        self.imports = Imports(database, clock)
        self.retention = Retention(database)
        self.ledger = Ledger(database)
        self.reviews = Reviews(database)
        self.features = Features(database)
        self.listing = Listing(database, clock)
        self.workers = Workers(database, clock)
        self.checkup = Checkup(database, clock)
        self.artifacts = artifacts

    def record_event(
        self,
        project: int,
        tasks: Iterable[TaskLike],
        labels: Iterable[LabelRecord],
        rule: str,
        due_at: float | None,
        *,
        patience: float | None = None,
        seen_at: float | None = None,
    ) -> set[str]:
        """`tasks.upsert` and `labels.record` in one transaction; returns the groups whose labels changed.

        Those are due at `due_at` (None: at once), but with `patience` no later than that many seconds after the first
        label that is not trained on. For `seen_at` see `Labels.record`.
        """
        with self._database.writing() as connection:
            lock_project(connection, project)
            # A label that goes leaves the group where its task was; one that comes enters the group where it is now.
            now, every = self.clock(), list(labels)
            changed = record_labels(connection, project, [label for label in every if label.skipped], now, seen_at)
            changed |= upsert_tasks(connection, project, tasks, rule)
            changed |= record_labels(connection, project, [label for label in every if not label.skipped], now, seen_at)
            touch(connection, changed, now, due_at, patience)
        return {name for _, name in changed}

    def takes_writes(self) -> bool:
        """Whether a write is possible now: what fails nevertheless fails for a reason of its own."""
        try:
            with self._database.writing() as connection:
                connection.execute(text("SELECT 1"))
        except (DBAPIError, RegistryError):
            return False
        return True

    def backup(self, folder: Path, report: Report = lambda _: None) -> Kept:
        """See `backup.backup`."""
        return backup(self._database, self.artifacts, folder, report)

    def close(self) -> None:
        """Closes the databases."""
        self.inbox.close()
        self._database.close()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_registry(database_url: str, artifacts_url: str, clock: Callable[[], float] | None = None) -> Registry:
    """Opens the registry, made or brought up to date where needed.

    `database_url` is SQLAlchemy's (`sqlite:////folder/registry.db`, `postgresql://user@host/name`), `artifacts_url`
    fsspec's (a folder, `s3://...`); `clock` gives seconds since the epoch, by default PostgreSQL's, or this machine's.
    """
    database = open_database(database_url)
    clock = clock or shared_clock(database)
    return Registry(database, Artifacts(artifacts_url, clock), open_inbox(database, database_url, clock), clock)


def restore_registry(
    database_url: str, artifacts_url: str, folder: Path, force: bool = False, report: Report = lambda _: None
) -> Kept:
    """Restores a backup into the registry of these URLs; see `backup.restore`."""
    return restore(database_url, Artifacts(artifacts_url, time.time), folder, force, report)
