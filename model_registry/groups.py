"""Groups: which revision of their labels is wanted, trained and published, and when to work on them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, case, distinct, func, not_, or_, select, update

from backend.errors import RegistryError
from model_registry.database import Database, chunks
from model_registry.group_rows import ensure_groups, held, lease_lost, touch
from model_registry.projects import lock_project
from model_registry.records import FATAL, PROJECT_GROUP, GroupKind, GroupRecord, Lease, Phase
from model_registry.tables import counts, groups, labels, labels_task, of_tasks, open_, tasks
from model_registry.urgency import ORDER, claimable, has_demand, project_is_active

IDLE = {"phase": None, "progress": None, "seconds_left": None, "work": None}
"""No worker is on the group."""
WELL = {"failed_revision": None, "attempts": 0, "reason": groups.c.remark}
"""The last thing that was tried with the group worked: why an earlier try failed is not told any more."""
NEVER = float("inf")


class Groups:
    """The groups of all projects."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def get(self, project: int, name: str) -> GroupRecord | None:
        """The group, or None."""
        found = self._find(records().where(groups.c.project == project, groups.c.name == name))
        return found[0] if found else None

    def all(self, project: int | None = None) -> list[GroupRecord]:
        """All groups (of one project), by project and name."""
        query = records().order_by(groups.c.project, groups.c.name)
        return self._find(query if project is None else query.where(groups.c.project == project))

    def pending(self, now: float, limit: int | None = None) -> list[GroupRecord]:
        """The groups (at most `limit`) that are due and that no worker holds: what a person ordered first, then the one
        that waits longest, of those in which something is left to predict; those that stand for whole projects come last."""
        return self._find(records().where(*claimable(now, now)).order_by(*ORDER).limit(limit))

    def next(self, now: float, until: float, soon: float) -> tuple[int, str, float] | None:
        """The group to work on next as (project, name, when it is due), of those that are due until then and that no
        worker holds. One in which nothing is left to predict, or that stands for a whole project, comes after those that are
        due `soon` seconds from now."""
        due = func.coalesce(groups.c.due_at, 0.0)
        begins = case((not_(has_demand), now + soon), (due > now, due), else_=0.0)
        query = select(groups.c.project, groups.c.name, due).where(*claimable(now, until))
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(begins, *ORDER).limit(1)).one_or_none()
        return tuple(row) if row else None

    def waits(self, until: float, owner: str) -> bool:
        """Whether a group with something left to predict is due by then that no worker but `owner` holds: the owner's
        idle jobs give way to it."""
        now = self._clock()
        query = select(groups.c.name).where(
            has_demand,
            open_,
            project_is_active,
            of_tasks,
            or_(groups.c.due_at.is_(None), groups.c.due_at <= until),
            or_(groups.c.lease_owner.is_(None), groups.c.lease_owner == owner, groups.c.lease_until <= now),
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def waits_since(self, now: float) -> float | None:
        """Since when the group of tasks waits that is due, that no worker holds, and that waits longest; None: none does."""
        due = (open_, project_is_active, of_tasks, or_(groups.c.due_at.is_(None), groups.c.due_at <= now))
        free = or_(groups.c.lease_owner.is_(None), groups.c.lease_until <= now)
        query = select(func.min(func.coalesce(groups.c.first_due, groups.c.due_at))).where(*due, free)
        with self._database.reading() as connection:
            since: float | None = connection.execute(query).scalar()
        return since

    def request_project_jobs(self, project: int, least: int = 2) -> GroupRecord | None:
        """Notes that there is news for the project as a whole, and returns the group that stands for it; None, and nothing
        is done, where it has fewer than `least` groups of tasks. Nothing is written either where that is noted already and no
        worker has begun."""
        now = self._clock()
        several = select(groups.c.name).where(groups.c.project == project, of_tasks).limit(least)
        waiting = select(groups.c.name).where(groups.c.project == project, not_(of_tasks), *claimable(now, now))
        with self._database.reading() as connection:
            if len(connection.execute(several).all()) < least:
                return None
            is_noted = connection.execute(waiting).first() is not None
        if not is_noted:
            with self._database.writing() as connection:
                lock_project(connection, project)
                if _is_aside(connection, project, PROJECT_GROUP, now):
                    return None  # there is news all the time: each would end another worker
                ensure_groups(connection, project, [PROJECT_GROUP], "all groups of the project", GroupKind.PROJECT)
                touch(connection, [(project, PROJECT_GROUP)], now)
        return self.of_project(project)

    def of_project(self, project: int) -> GroupRecord | None:
        """The group that stands for the project as a whole, or None."""
        found = self._find(records().where(groups.c.project == project, not_(of_tasks)))
        return found[0] if found else None

    def postpone(self, project: int, names: Iterable[str], quiet: float, patience: float) -> None:
        """Puts work off until no label came for `quiet` seconds, but never beyond `patience` seconds in all; groups that
        are gone meanwhile are left out."""
        now = self._clock()
        first = func.coalesce(groups.c.first_due, now)
        due = case((first + patience < now + quiet, first + patience), else_=now + quiet)
        self._change(project, names, {"first_due": first, "due_at": due})

    def force(self, project: int, *names: str) -> None:
        """Asks for a training of the groups now, whether the labels changed or not, whatever failed before."""
        missing = self._change(project, names, WELL | {"forced": True, "due_at": None, "reason": None})
        if missing:
            raise RegistryError(
                f"There is no group {min(missing)!r} in project {project}; groups are made by their tasks."
            )

    def progress(
        self, lease: Lease, phase: Phase, progress: float | None, seconds_left: float | None, work: str | None = None
    ) -> None:
        """Notes where the owner's work stands; with `work` also what it is, see `note_work`. Does nothing when the lease is
        not theirs: it is only news."""
        values = {"phase": phase, "progress": progress, "seconds_left": seconds_left} | ({"work": work} if work else {})
        with self._database.writing() as connection:
            connection.execute(update(groups).where(*held(lease)).values(values))

    def note_work(self, lease: Lease, work: str | None) -> None:
        """Notes what the owner is about to do, in words such as "training on 12 frames of 640 x 480", so that it is known
        if the worker does not survive it; None: no longer. Raises LeaseLost."""
        self._update(lease, work=work)

    def mark_trained(self, lease: Lease, revision: int, labels: int, reason: str | None = None) -> None:
        """This revision is trained on; `reason` is a remark for the reader. Stays due where newer labels came."""
        values = {"trained": revision, "trained_labels": labels, "forced": False, "remark": reason}
        self._update(lease, **WELL | values | {"reason": reason}, **_due_unless_newer(revision))

    def mark_published(self, lease: Lease, revision: int, doubt: float | None = None) -> None:
        """The predictions of the version trained on this revision are out; `doubt` is their mean 1 - score."""
        values = {"published": revision, "doubt": doubt, "deaths": 0, "died_at": None, **IDLE, **WELL}
        self._update(lease, **values, **_due_unless_newer(revision))

    def mark_well(self, lease: Lease, revision: int) -> None:
        """What had failed went well, and there was nothing to train or to publish."""
        self._update(lease, **WELL, **_due_unless_newer(revision))

    def mark_failed(self, lease: Lease, revision: int, reason: str, retry_at: float | None) -> None:
        """Training or publishing this revision failed. None: no further try until the labels change or it is forced."""
        again = case((groups.c.failed_revision == revision, groups.c.attempts + 1), else_=1)
        retry = NEVER if retry_at is None else retry_at
        # Labels that came meanwhile may mend it: they keep their own due time.
        due = {
            "due_at": case((groups.c.wanted == revision, retry), else_=groups.c.due_at),
            "first_due": case((groups.c.wanted == revision, None), else_=groups.c.first_due),
        }
        self._update(lease, failed_revision=revision, attempts=again, reason=reason, **IDLE, **due)

    def _find(self, query: Select[Any]) -> list[GroupRecord]:
        with self._database.reading() as connection:
            return [group_record(row) for row in connection.execute(query)]

    def _change(self, project: int, names: Iterable[str], values: Mapping[str, Any]) -> set[str]:
        """Changes groups, in one transaction; returns those that there are none of."""
        missing = set(names)
        if not missing:
            return missing
        with self._database.writing() as connection:
            for chunk in chunks(sorted(missing)):
                mine = (groups.c.project == project, groups.c.name.in_(chunk))
                found = connection.execute(update(groups).where(*mine).values(values).returning(groups.c.name))
                missing -= set(found.scalars())
        return missing

    def _update(self, lease: Lease, /, **values: Any) -> None:
        """Changes one group while it is the owner's, in one statement so that nothing can intervene."""
        with self._database.writing() as connection:
            if connection.execute(update(groups).where(*held(lease)).values(**values)).rowcount == 0:
                raise lease_lost(connection, lease)


def group_record(row: Row[Any]) -> GroupRecord:
    """A row of `records` as frozen data."""
    return GroupRecord(**{**row._mapping, "kind": GroupKind(row.kind)})


def records() -> Select[Any]:
    """What a GroupRecord is made of, for all groups."""
    belongs = (tasks.c.project == groups.c.project, tasks.c.group == groups.c.name)
    size = select(func.count()).select_from(tasks).where(*belongs).correlate(groups).scalar_subquery()
    labelled = (
        select(func.count(distinct(labels.c.task)))
        .select_from(tasks.join(labels, labels_task))
        .where(*belongs, counts)
        .correlate(groups)
        .scalar_subquery()
    )
    return select(groups, size.label("tasks"), labelled.label("labelled"))


def _due_unless_newer(revision: int) -> dict[str, Any]:
    done = groups.c.wanted == revision
    return {
        "first_due": case((done, None), else_=groups.c.first_due),
        "due_at": case((done, None), else_=groups.c.due_at),
    }


def _is_aside(connection: Connection, project: int, name: str, now: float) -> bool:
    mine = (groups.c.project == project, groups.c.name == name)
    aside = (groups.c.deaths >= FATAL, groups.c.due_at > now)
    return connection.execute(select(groups.c.name).where(*mine, *aside)).first() is not None
