"""Leases: one worker at a time has a group, on any number of machines, and a killed one's claim runs out."""

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Connection, or_, select, tuple_, update

from model_registry.database import Database
from model_registry.group_rows import held, lease_lost, note_deaths, of_lease
from model_registry.groups import IDLE
from model_registry.projects import lock_project
from model_registry.records import Lease, VersionState
from model_registry.tables import groups, versions

FREE = {"lease_owner": None, "lease_until": None, **IDLE}
"""Nobody has the group."""


UNWATCHED = "%:%:%"
"""Names of workers that no server watches: machine, process and a word of chance. The death of any other is told by its
server (`release_owner`), and where its lease runs out all the same, the server ended too: that says nothing of the group."""


class Leases:
    """Who works on which group."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def take(self, lease: Lease, seconds: float) -> bool:
        """Claims the group unless somebody has it, the same owner included; what a dead one left half is interrupted.

        False also where it has just become clear that the group ends its workers: then it is set aside for a while.
        """
        now, mine = self._clock(), of_lease(lease)
        free = or_(groups.c.lease_owner.is_(None), groups.c.lease_until <= now)
        claim = (
            update(groups).where(*mine, free).values(FREE | {"lease_owner": lease.owner, "lease_until": now + seconds})
        )
        ran_out = (*mine, groups.c.lease_until <= now, groups.c.lease_owner.like(UNWATCHED))
        left_half = (versions.c.project == lease.project, versions.c.group == lease.group)
        with self._database.writing() as connection:
            if note_deaths(connection, ran_out, now):
                connection.execute(update(groups).where(*mine).values(FREE))
                interrupt(connection, now, left_half)
                return False
            if connection.execute(claim).rowcount == 0:
                return False
            interrupt(connection, now, left_half)
            return True

    def renew(self, lease: Lease, seconds: float) -> bool:
        """Keeps the claim for longer; False when it is lost. One that ran out unnoticed can still be renewed."""
        until = self._clock() + seconds
        with self._database.writing() as connection:
            return connection.execute(update(groups).where(*held(lease)).values(lease_until=until)).rowcount == 1

    def release(self, lease: Lease) -> None:
        """Gives the group back; nothing happens when it is not the owner's."""
        with self._database.writing() as connection:
            connection.execute(update(groups).where(*held(lease)).values(FREE))

    def release_owner(self, owner: str, died: bool = False) -> int:
        """Gives back all that a worker had, because it has ended; returns how many groups that were.

        With `died` it did not end of its own will, and what it was at work on may be to blame: a group at which several
        workers ended in a row is set aside.
        """
        mine, now = groups.c.lease_owner == owner, self._clock()
        with self._database.writing() as connection:
            taken = [
                (row.project, row.name)
                for row in connection.execute(select(groups.c.project, groups.c.name).where(mine))
            ]
            for project in sorted({project for project, _ in taken}):
                lock_project(connection, project)
            if taken:
                interrupt(connection, now, (tuple_(versions.c.project, versions.c.group).in_(taken),))
            if died and taken:
                note_deaths(connection, [mine], now)
            return connection.execute(update(groups).where(mine).values(FREE)).rowcount


def interrupt(connection: Connection, now: float, of: Sequence[ColumnElement[bool]]) -> None:
    """Ends those of the versions that are in training: whoever trained them is gone."""
    gone = {"state": VersionState.INTERRUPTED, "reason": "the worker ended before it finished", "finished_at": now}
    connection.execute(update(versions).where(*of, versions.c.state == VersionState.TRAINING).values(gone))


def require_lease(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLost unless the group is the owner's, and keeps it so until the transaction ends."""
    holder = select(groups.c.lease_owner).where(*of_lease(lease)).with_for_update(key_share=True)
    if connection.execute(holder).scalar() != lease.owner:
        raise lease_lost(connection, lease)
