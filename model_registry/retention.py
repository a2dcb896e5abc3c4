"""Retention: which weights are kept, and what they take."""

from sqlalchemy import func, select, union, update

from model_registry.database import Database
from model_registry.records import Space, VersionState
from model_registry.tables import pins, versions
from model_registry.version_rows import NO_ARTIFACT


class Retention:
    """The artifacts of all versions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget_artifacts(self, keep: int) -> int:
        """Drops the artifacts of all versions but those that serve, were imported or are pinned, that a training under way
        starts from, and the `keep` newest ways back of a micro-model.

        Their records stay. Returns how many; the files go with `Artifacts.collect(Retention.artifacts(), ...)`.
        """
        usable = (versions.c.state == VersionState.SUPERSEDED, versions.c.rolled_back.is_(False))
        rank = func.row_number().over(
            partition_by=(versions.c.project, versions.c.group, versions.c.control), order_by=versions.c.number.desc()
        )
        ranked = (
            select(versions.c.id, rank.label("rank")).where(*usable, versions.c.artifact_uri.is_not(None)).subquery()
        )
        training = versions.alias()
        starts = training.c.parent
        needed = union(
            select(ranked.c.id).where(ranked.c.rank <= keep),
            select(pins.c.version),
            select(starts).where(training.c.state == VersionState.TRAINING, starts.is_not(None)),
        ).subquery()
        forget = (
            update(versions)
            .where(versions.c.artifact_uri.is_not(None), versions.c.id.not_in(select(needed)))
            .where(versions.c.state.not_in((VersionState.SERVING, VersionState.IMPORTED)))
            .values(NO_ARTIFACT)
        )
        with self._database.writing() as connection:
            return connection.execute(forget).rowcount

    def space(self, project: int | None = None) -> dict[int, Space]:
        """What the artifacts (of one project) take, by project."""
        total = func.coalesce(func.sum(versions.c.artifact_nbytes), 0)
        query = select(versions.c.project, func.count(), total).where(versions.c.artifact_uri.is_not(None))
        query = query if project is None else query.where(versions.c.project == project)
        with self._database.reading() as connection:
            rows = connection.execute(query.group_by(versions.c.project)).all()
        return {row[0]: Space(int(row[1]), int(row[2])) for row in rows}

    def artifacts(self, project: int | None = None) -> set[str]:
        """URIs of all artifacts that a version (of one project) still needs."""
        query = select(versions.c.artifact_uri).where(versions.c.artifact_uri.is_not(None))
        if project is not None:
            query = query.where(versions.c.project == project)
        with self._database.reading() as connection:
            return {row.artifact_uri for row in connection.execute(query)}
