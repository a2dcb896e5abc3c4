"""Rows of versions, inside a transaction of the registry: which serves, which is in training, which comes back."""

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from backend.errors import RegistryError
from model_registry.leases import require_lease
from model_registry.pins import lift_pins, pinned
from model_registry.projects import lock_project
from model_registry.records import ArtifactRef, GroupKind, Lease, VersionRecord, VersionState
from model_registry.tables import serves, versions

NO_ARTIFACT = {"artifact_uri": None, "artifact_sha256": None, "artifact_nbytes": None}

# The lookup of every /predict, built once: that takes as long as asking it.
SERVING = (
    select(versions)
    .where(versions.c.project == bindparam("in_project"), versions.c.group == bindparam("in_group"), serves)
    .order_by(versions.c.control)
)


def pinned_version(connection: Connection, candidate: Row[Any]) -> Row[Any] | None:
    """The version that the candidate's micro-model is pinned to; a pin that does not fit the config is lifted."""
    pin = pinned(connection, candidate.project, candidate.group).get(candidate.control)
    held = connection.execute(select(versions).where(versions.c.id == pin)).one_or_none() if pin else None
    if held is not None and held.state == VersionState.SERVING and held.fingerprint == candidate.fingerprint:
        return held
    lift_pins(connection, candidate.project, candidate.group, [candidate.control])
    return None


def serve_numbered(connection: Connection, serving: Row[Any], number: int) -> Row[Any]:
    """The version of this number in the micro-model of a serving one, made to serve."""
    if serving.number == number:
        return serving
    mine = (*of_micro_model(serving.project, serving.group, serving.control), versions.c.number == number)
    wanted = connection.execute(select(versions).where(*mine)).one_or_none()
    states = (VersionState.SUPERSEDED, VersionState.REJECTED)
    if wanted is None or wanted.artifact_uri is None or wanted.state not in states:
        found = "there is none" if wanted is None else f"it is {wanted.state}, and its weights may be gone"
        raise RegistryError(
            f"Version {number} of group {serving.group!r}, control {serving.control!r}, cannot serve: {found}. "
            "Expected a superseded or rejected one with an artifact; see its history."
        )
    if wanted.fingerprint != serving.fingerprint:
        raise RegistryError(
            f"Version {number} of group {serving.group!r}, control {serving.control!r}, was trained for another "
            "labeling config. Pin one that was trained for the present one."
        )
    supersede = {"state": VersionState.SUPERSEDED, "reason": f"version {number} was pinned"}
    connection.execute(update(versions).where(versions.c.id == serving.id).values(supersede))
    reactivate = {"state": VersionState.SERVING, "reason": None, "rolled_back": False}
    row = connection.execute(
        update(versions).where(versions.c.id == wanted.id).values(reactivate).returning(*versions.c)
    )
    return row.one()


def of_micro_model(project: int, group: str, control: str | None) -> tuple[Any, ...]:
    """The condition for the versions of one micro-model; without a control, of the whole group."""
    mine = (versions.c.project == project, versions.c.group == group)
    return mine if control is None else (*mine, versions.c.control == control)


def serving_rows(connection: Connection, project: int, group: str) -> list[Row[Any]]:
    """The serving versions of the group, by control."""
    return list(connection.execute(SERVING, {"in_project": project, "in_group": group}))


def in_training(connection: Connection, id: int, owner: str) -> Row[Any]:
    """The version, locked with its group; raises unless it is in state training and the group is the owner's."""
    query = select(versions).where(versions.c.id == id)
    version = connection.execute(query).one_or_none()
    if version is None:
        raise RegistryError(f"There is no version {id}; its project may have been deleted. Drop this work.")
    lock_project(connection, version.project)
    require_lease(connection, Lease(version.project, version.group, owner))
    version = connection.execute(query).one()
    if version.state != VersionState.TRAINING:
        raise RegistryError(
            f"Version {version.number} of group {version.group!r}, control {version.control!r}, is {version.state}, "
            "expected training: a version ends once. Begin a new one."
        )
    return version


def rollback(connection: Connection, serving: Row[Any]) -> Row[Any] | None:
    """Rolls back: lets the version before the serving one serve again; None where there is none."""
    older = (
        select(versions.c.id, versions.c.number)
        .where(*of_micro_model(serving.project, serving.group, serving.control), versions.c.artifact_uri.is_not(None))
        .where(versions.c.state == VersionState.SUPERSEDED, versions.c.rolled_back.is_(False))
        .order_by(versions.c.number.desc())
        .limit(1)
    )
    back = connection.execute(older).one_or_none()
    if back is None:
        return None
    supersede = {
        "state": VersionState.SUPERSEDED,
        "rolled_back": True,
        "reason": f"rolled back to version {back.number}",
    }
    connection.execute(update(versions).where(versions.c.id == serving.id).values(supersede))
    reactivate = update(versions).where(versions.c.id == back.id).values(state=VersionState.SERVING, reason=None)
    return connection.execute(reactivate.returning(*versions.c)).one()


def version_record(row: Row[Any]) -> VersionRecord:
    """The row as frozen data."""
    values = dict(row._mapping)
    del values["rolled_back"]
    values["previous"] = values.pop("parent")  # the column is older than the word
    uri, sha256, nbytes = (values.pop(f"artifact_{part}") for part in ("uri", "sha256", "nbytes"))
    artifact = None if uri is None else ArtifactRef(uri, sha256, nbytes)
    known = {name: values[name] if isinstance(values[name], dict) else {} for name in ("metrics", "recipe")}
    return VersionRecord(
        **values | known | {"kind": GroupKind(row.kind), "state": VersionState(row.state), "artifact": artifact}
    )
