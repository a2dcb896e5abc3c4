"""Imports: micro-models of other registries, as the start of a micro-model's next training."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, insert, select, update

from backend.errors import RegistryError
from model_registry.database import Database
from model_registry.records import ArtifactRef, VersionRecord, VersionState
from model_registry.tables import groups, versions
from model_registry.version_rows import NO_ARTIFACT, of_micro_model, version_record


class Imports:
    """What was imported: a version of its micro-model that never serves."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        project: int,
        group: str,
        control: str,
        head: str,
        artifact: ArtifactRef,
        *,
        labels: int,
        fingerprint: str,
        start: str,
        recipe: dict[str, Any],
        metrics: dict[str, Any],
    ) -> VersionRecord:
        """A version in state imported, numbered after the micro-model's last, in place of what was imported before.

        Raises RegistryError where there is no such group.
        """
        mine, now = of_micro_model(project, group, control), self._clock()
        # The same lock as of whoever trains the group: no two versions get one number.
        kind = select(groups.c.kind).where(groups.c.project == project, groups.c.name == group)
        values = {
            "project": project, "group": group, "control": control, "head": head, "state": VersionState.IMPORTED,
            "parent": None, "start": start, "label_revision": 0, "labels": labels, "fingerprint": fingerprint,
            "metrics": metrics, "recipe": recipe, "rolled_back": False, "created_at": now, "finished_at": now,
            "artifact_uri": artifact.uri, "artifact_sha256": artifact.sha256, "artifact_nbytes": artifact.nbytes,
        }  # fmt: skip
        with self._database.writing() as connection:
            found = connection.execute(kind.with_for_update(key_share=True)).scalar()
            if found is None:
                raise RegistryError(
                    f"There is no group {group!r} in project {project}: groups are made by their tasks."
                )
            last = connection.execute(select(func.max(versions.c.number)).where(*mine)).scalar() or 0
            replaced = {"reason": f"version {last + 1} was imported in its place"} | NO_ARTIFACT
            before = (*mine, versions.c.state == VersionState.IMPORTED, versions.c.artifact_uri.is_not(None))
            connection.execute(update(versions).where(*before).values(replaced))
            values |= {"number": last + 1, "kind": found}
            return version_record(connection.execute(insert(versions).values(values).returning(*versions.c)).one())

    def newest(self, project: int, group: str, control: str) -> VersionRecord | None:
        """What was imported last for a micro-model; None where nothing was, or its weights are gone."""
        mine = (*of_micro_model(project, group, control), versions.c.state == VersionState.IMPORTED)
        query = select(versions).where(*mine, versions.c.artifact_uri.is_not(None)).order_by(versions.c.id.desc())
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1)).one_or_none()
        return version_record(row) if row else None
