"""Rows of groups, changed inside a transaction that changes something else: tasks, labels, leases."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from backend.errors import LeaseLost
from model_registry.database import chunks, upsert
from model_registry.records import FATAL, GroupKind, Lease
from model_registry.tables import groups

GroupKey = tuple[int, str]
"""(project, name)"""
ASIDE_SECONDS = 3600.0
"""How long the group is set aside, if neither new labels nor a person ask for it: memory may be free by then. Doubles each
time, up to a day."""


def of_lease(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Chooses the row of the group, whoever holds it."""
    return groups.c.project == lease.project, groups.c.name == lease.group


def held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """Chooses the row of the group while the lease is its owner's."""
    return (*of_lease(lease), groups.c.lease_owner == lease.owner)


def lease_lost(connection: Connection, lease: Lease) -> LeaseLost:
    """The error that says who has the group instead."""
    row = connection.execute(select(groups.c.lease_owner).where(*of_lease(lease))).one_or_none()
    holder = "the group is gone" if row is None else f"held by {row.lease_owner!r}" if row.lease_owner else "released"
    return LeaseLost(
        f"Worker {lease.owner!r} does not hold group {lease.group!r} of project {lease.project} any more: {holder}. "
        "Nothing was written; drop this work, whoever holds the group does it again."
    )


def note_deaths(connection: Connection, where: Iterable[Any], now: float) -> list[GroupKey]:
    """Workers have ended that held these groups: counts it for those that one was at work on, and sets those aside, which
    are returned, that have ended FATAL of them at the same labels. After new labels a group is tried once more."""
    again = case(
        (groups.c.died_at == groups.c.wanted, groups.c.deaths + 1), (groups.c.deaths >= FATAL, groups.c.deaths), else_=1
    )
    died = update(groups).where(*where, groups.c.work.is_not(None)).values(deaths=again, died_at=groups.c.wanted)
    rows = connection.execute(died.returning(groups.c.project, groups.c.name, groups.c.deaths, groups.c.work)).all()
    fatal = [row for row in rows if row.deaths >= FATAL]
    for row in fatal:
        pause = min(ASIDE_SECONDS * 2.0 ** min(row.deaths - FATAL, 10), 24 * ASIDE_SECONDS)
        reason = (
            f"set aside: {row.work} ended the worker {row.deaths} times, probably out of memory. Give the worker more "
            "memory, or the group fewer or smaller frames."
        )
        aside = {
            "failed_revision": groups.c.wanted, "attempts": row.deaths, "reason": reason,
            "first_due": None, "due_at": now + pause, "forced": False,
        }  # fmt: skip
        mine = (groups.c.project == row.project, groups.c.name == row.name)
        connection.execute(update(groups).where(*mine).values(aside))
    return [(row.project, row.name) for row in fatal]


def ensure_groups(
    connection: Connection, project: int, names: Iterable[str], rule: str, kind: GroupKind = GroupKind.TASKS
) -> None:
    """Makes the groups that are missing, and notes the rule that chose them."""
    for chunk in chunks(sorted(set(names))):
        mine = (groups.c.project == project, groups.c.name.in_(chunk))
        known = {row.name: row.rule for row in connection.execute(select(groups.c.name, groups.c.rule).where(*mine))}
        zero = dict.fromkeys(("wanted", "trained", "published", "trained_labels", "attempts", "deaths"), 0)
        fixed = {"project": project, "rule": rule, "forced": False, "kind": kind}
        fresh = [{"name": name} | fixed | zero for name in chunk if name not in known]
        if fresh:
            connection.execute(upsert(connection, groups).on_conflict_do_nothing(), fresh)
        if any(stored != rule for stored in known.values()):
            connection.execute(update(groups).where(*mine).values(rule=rule))


def outdate(connection: Connection, project: int, names: Iterable[str]) -> None:
    """Has the groups published again, because tasks came that have no prediction; nothing where nothing was trained."""
    for chunk in chunks(sorted(set(names))):
        mine = (groups.c.project == project, groups.c.name.in_(chunk), groups.c.trained > 0)
        connection.execute(update(groups).where(*mine).values(published=groups.c.trained - 1))


def touch(
    connection: Connection,
    keys: Iterable[GroupKey],
    now: float,
    due_at: float | None = None,
    patience: float | None = None,
) -> None:
    """Raises the wanted revision of the groups by 1, because their labels changed, and makes them due.

    `due_at` puts the work off, but with `patience` no longer than that many seconds after the first untrained label.
    """
    # A failed group waits for its retry time, maybe for ever: new labels start afresh.
    failed = groups.c.failed_revision == groups.c.wanted
    first = case((failed, now), else_=func.coalesce(groups.c.first_due, now))
    due: Any = case((failed, None), else_=groups.c.due_at) if due_at is None else due_at
    if due_at is not None and patience is not None:
        due = case((first + patience < due_at, first + patience), else_=due_at)
    names: dict[int, list[str]] = defaultdict(list)
    for project, name in sorted(keys):
        names[project].append(name)
    for project, mine in names.items():
        for chunk in chunks(mine):
            connection.execute(
                update(groups)
                .where(groups.c.project == project, groups.c.name.in_(chunk))
                .values(wanted=groups.c.wanted + 1, first_due=first, due_at=due)
            )
