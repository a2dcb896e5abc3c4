"""Versions: what became of each training of a micro-model, and which one serves.

training ──promote──> serving <──rollback, pin── superseded, rejected
    │                    └──promote of the next, rollback, pin of another──> superseded
    ├──reject, or promote where the micro-model is pinned──> rejected
    ├──interrupt, or the worker's death──> interrupted
    └──fail──> failed

serving, superseded ──discard──> damaged
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from backend.errors import RegistryError
from model_registry.database import Database
from model_registry.group_rows import of_lease
from model_registry.leases import require_lease
from model_registry.pins import lift_pins, pinned, set_pins
from model_registry.projects import lock_project
from model_registry.records import ArtifactRef, GroupKind, Lease, VersionRecord, VersionState
from model_registry.renewal import publish_again, raise_generation, train_again
from model_registry.tables import groups, serves, versions
from model_registry.version_rows import (
    NO_ARTIFACT,
    in_training,
    of_micro_model,
    pinned_version,
    rollback,
    serve_numbered,
    serving_rows,
    version_record,
)


class Versions:
    """The versions of all micro-models. A worker's writes raise LeaseLost when the group is not theirs any more."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin(
        self,
        lease: Lease,
        control: str,
        head: str,
        *,
        label_revision: int,
        labels: int,
        fingerprint: str,
        recipe: dict[str, Any],
        previous: int | None,
        start: str,
    ) -> VersionRecord:
        """A new version in state training, numbered after the micro-model's last."""
        values = {
            "project": lease.project,
            "group": lease.group,
            "control": control,
            "head": str(head),
            "state": VersionState.TRAINING,
            "parent": previous,
            "start": start,
            "label_revision": label_revision,
            "labels": labels,
            "fingerprint": fingerprint,
            "metrics": {},
            "recipe": recipe,
            "rolled_back": False,
            "created_at": self._clock(),
        }
        with self._database.writing() as connection:
            require_lease(connection, lease)  # keeps a second one from taking the same number
            kind = select(groups.c.kind).where(*of_lease(lease))
            last = select(func.max(versions.c.number)).where(*of_micro_model(lease.project, lease.group, control))
            values |= {"number": (connection.execute(last).scalar() or 0) + 1, "kind": kind.scalar_subquery()}
            row = connection.execute(insert(versions).values(values).returning(*versions.c)).one()
        return version_record(row)

    def promote(
        self, id: int, owner: str, artifact: ArtifactRef, metrics: dict[str, Any], seconds: float
    ) -> VersionRecord:
        """The version serves from now on instead of the one before, and the project's generation rises.

        Where the micro-model is pinned to a version that still fits the labeling config, it is rejected instead.
        """
        with self._database.writing() as connection:
            version = in_training(connection, id, owner)
            if (holds := pinned_version(connection, version)) is not None:
                reason = f"pinned to version {holds.number}: it serves until the pin is lifted"
                return self._finish(connection, id, VersionState.REJECTED, reason, artifact, metrics, seconds)
            before = (
                *of_micro_model(version.project, version.group, version.control),
                versions.c.state == VersionState.SERVING,
            )
            connection.execute(update(versions).where(*before).values(state=VersionState.SUPERSEDED, reason=None))
            raise_generation(connection, version.project)
            # Also for a training of labels that were trained before, when it was asked for.
            mine = (groups.c.project == version.project, groups.c.name == version.group)
            connection.execute(update(groups).where(*mine).values(published=groups.c.trained - 1))
            return self._finish(connection, id, VersionState.SERVING, None, artifact, metrics, seconds)

    def reject(
        self,
        id: int,
        owner: str,
        reason: str,
        artifact: ArtifactRef | None,
        metrics: dict[str, Any],
        seconds: float,
    ) -> VersionRecord:
        """The version is no better than the serving one, which goes on serving."""
        with self._database.writing() as connection:
            in_training(connection, id, owner)
            return self._finish(connection, id, VersionState.REJECTED, reason, artifact, metrics, seconds)

    def fail(self, id: int, owner: str, reason: str) -> VersionRecord:
        """The training came to nothing."""
        return self._break_off(id, owner, VersionState.FAILED, reason)

    def interrupt(self, id: int, owner: str, reason: str) -> VersionRecord:
        """The training was given up on purpose, or cut off; nothing is wrong with it."""
        return self._break_off(id, owner, VersionState.INTERRUPTED, reason)

    def discard(self, id: int, artifact: ArtifactRef | None, reason: str) -> bool:
        """The version is none that can serve any more: its weights, `artifact`, are damaged. False where it has others by
        now, or none.

        A group whose serving version this was is trained again, pinned or not; at once the first time, and after a while
        where labels of the same revision were met by damage before, so that a failing disk does not wear out a worker.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(versions).where(versions.c.id == id)).one_or_none()
            if row is None:
                return False
            lock_project(connection, row.project)
            row = connection.execute(select(versions).where(versions.c.id == id)).one_or_none()
            if row is None or row.artifact_uri != (artifact.uri if artifact else None):
                return False
            served = row.state in (VersionState.SERVING, VersionState.SUPERSEDED)
            gone = NO_ARTIFACT | ({"state": VersionState.DAMAGED, "reason": reason} if served else {})
            connection.execute(update(versions).where(versions.c.id == id).values(gone))
            if row.state == VersionState.SERVING:
                if pinned(connection, row.project, row.group).get(row.control) == id:
                    lift_pins(connection, row.project, row.group, [row.control])
                train_again(connection, row, f"{row.control} v{row.number}: {reason}", self._clock())
            return True

    def serving(self, project: int, group: str) -> dict[str, VersionRecord]:
        """The serving version of each of the group's micro-models, by control."""
        with self._database.reading() as connection:
            return {row.control: version_record(row) for row in serving_rows(connection, project, group)}

    def project_models(self, project: int) -> dict[str, VersionRecord]:
        """The project models that serve, by control."""
        mine = (versions.c.project == project, versions.c.kind == GroupKind.PROJECT, serves)
        with self._database.reading() as connection:
            rows = connection.execute(select(versions).where(*mine))
            return {row.control: version_record(row) for row in rows}

    def serving_alike(self, project: int, control: str, fingerprint: str, limit: int) -> list[VersionRecord]:
        """The serving versions of a control with this fingerprint that have an artifact, over the project's groups of
        tasks; the newest `limit` of them, newest first."""
        mine = (
            versions.c.project == project,
            versions.c.control == control,
            versions.c.kind == GroupKind.TASKS,
            serves,
        )
        usable = (versions.c.fingerprint == fingerprint, versions.c.artifact_uri.is_not(None))
        query = select(versions).where(*mine, *usable).order_by(versions.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [version_record(row) for row in connection.execute(query)]

    def get(self, id: int) -> VersionRecord | None:
        """The version, or None."""
        with self._database.reading() as connection:
            row = connection.execute(select(versions).where(versions.c.id == id)).one_or_none()
        return version_record(row) if row else None

    def history(
        self, project: int, group: str, control: str | None = None, most: int | None = None
    ) -> list[VersionRecord]:
        """The versions of the group (of one micro-model), newest first: all, or so many at most."""
        query = (
            select(versions).where(*of_micro_model(project, group, control)).order_by(versions.c.id.desc()).limit(most)
        )
        with self._database.reading() as connection:
            return [version_record(row) for row in connection.execute(query)]

    def rollback(
        self, project: int, group: str, control: str | None = None, *, hold: bool = False
    ) -> list[VersionRecord]:
        """The newest superseded version with an artifact serves again, for each micro-model that has one.

        One that was rolled back itself is no way back, so that doing it twice goes two versions back. Whoever works
        on the group loses its lease: what it was about to publish is not wanted any more. With `hold` the versions
        that serve again are pinned.
        """
        with self._database.writing() as connection:
            lock_project(connection, project)
            found = [
                back
                for row in serving_rows(connection, project, group)
                if control in (None, row.control) and (back := rollback(connection, row)) is not None
            ]
            if not found:
                whose = f"group {group!r} of project {project}" + (f", control {control!r}" if control else "")
                raise RegistryError(
                    f"There is no version of {whose} to go back to: expected a serving one and an older, superseded "
                    "one with an artifact. See its history; label more and train instead."
                )
            if hold:
                set_pins(connection, found)
            publish_again(connection, project, group)
        return [version_record(row) for row in found]

    def pin(
        self, project: int, group: str, control: str | None = None, number: int | None = None
    ) -> list[VersionRecord]:
        """Pins the serving versions (of one micro-model), or the version of this number, which then serves at once."""
        with self._database.writing() as connection:
            lock_project(connection, project)
            serving = [row for row in serving_rows(connection, project, group) if control in (None, row.control)]
            found = [serve_numbered(connection, row, number) for row in serving] if number is not None else serving
            if not found:
                whose = f"group {group!r} of project {project}" + (f", control {control!r}" if control else "")
                raise RegistryError(f"No version of {whose} serves, so none can be pinned. Label and train first.")
            set_pins(connection, found)
            if {row.id for row in found} != {row.id for row in serving}:
                publish_again(connection, project, group)
        return [version_record(row) for row in found]

    def unpin(self, project: int, group: str, control: str | None = None) -> list[str]:
        """Lifts the pins of the group (of one micro-model); returns the controls that were pinned."""
        with self._database.writing() as connection:
            lock_project(connection, project)
            lifted = sorted(c for c in pinned(connection, project, group) if control in (None, c))
            lift_pins(connection, project, group, lifted)
        return lifted

    def pins(self, project: int, group: str) -> dict[str, int]:
        """Ids of the versions that the group's micro-models are pinned to, by control."""
        with self._database.reading() as connection:
            return pinned(connection, project, group)

    def _break_off(self, id: int, owner: str, state: VersionState, reason: str) -> VersionRecord:
        with self._database.writing() as connection:
            in_training(connection, id, owner)
            return self._finish(connection, id, state, reason, None, {}, None)

    def _finish(
        self,
        connection: Connection,
        id: int,
        state: VersionState,
        reason: str | None,
        artifact: ArtifactRef | None,
        metrics: dict[str, Any],
        seconds: float | None,
    ) -> VersionRecord:
        values = {
            "state": state,
            "reason": reason,
            "metrics": metrics,
            "seconds": seconds,
            "finished_at": self._clock(),
            "artifact_uri": artifact.uri if artifact else None,
            "artifact_sha256": artifact.sha256 if artifact else None,
            "artifact_nbytes": artifact.nbytes if artifact else None,
        }
        ended = update(versions).where(versions.c.id == id).values(values).returning(*versions.c)
        return version_record(connection.execute(ended).one())
