"""The registry: all parts over one database and one artifact store."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from model_registry.artifacts import Artifacts
from model_registry.database import Database, open_database
from model_registry.groups import Groups, touch
from model_registry.labels import Labels, record_labels
from model_registry.leases import Leases
from model_registry.ledger import Ledger
from model_registry.projects import Projects, lock_project
from model_registry.records import LabelRecord, TaskLike
from model_registry.tasks import Tasks, upsert_tasks
from model_registry.versions import Versions


class Registry:
    """What is known about projects, tasks, labels, groups and versions. Each method of a part is one transaction.

    Safe to share between threads; each process opens its own.
    """

    def __init__(self, database: Database, artifacts: Artifacts, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self.projects = Projects(database)
        self.tasks = Tasks(database, clock)
        self.labels = Labels(database, clock)
        self.groups = Groups(database, clock)
        self.leases = Leases(database, clock)
        self.versions = Versions(database, clock)
        self.ledger = Ledger(database)
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
            changed = upsert_tasks(connection, project, tasks, rule)
            changed |= record_labels(connection, project, labels, seen_at)
            touch(connection, changed, self._clock(), due_at, patience)
        return {name for _, name in changed}

    def close(self) -> None:
        """Closes the database."""
        self._database.close()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_registry(database_url: str, artifacts_url: str, clock: Callable[[], float] = time.time) -> Registry:
    """Opens the registry, made or brought up to date where needed.

    `database_url` is SQLAlchemy's (`sqlite:////folder/registry.db`, `postgresql://user@host/name`), `artifacts_url`
    fsspec's (a folder, `s3://...`); `clock` gives seconds since the epoch.
    """
    return Registry(open_database(database_url), Artifacts(artifacts_url, clock), clock)
