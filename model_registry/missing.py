"""Missing from a listing of the source: noted with the time, because one answer does not prove that a thing is gone."""

from collections.abc import Collection

from sqlalchemy import Connection, Table, select, update

from model_registry.database import chunks


def note_missing(
    connection: Connection, table: Table, project: int, ids: Collection[int], at: float
) -> dict[int, float]:
    """Notes that a listing made at `at` lacked these rows of a project's tasks or labels, and had all others.

    Returns since when each has been missing without a break, by id. The caller has locked the project.
    """
    noted = select(table.c.id, table.c.missing_since).where(
        table.c.project == project, table.c.missing_since.is_not(None)
    )
    since = {row.id: row.missing_since for row in connection.execute(noted)}
    for some, value in ((since.keys() - set(ids), None), (set(ids) - since.keys(), at)):
        for chunk in chunks(sorted(some)):
            mine = (table.c.project == project, table.c.id.in_(chunk))
            connection.execute(update(table).where(*mine).values(missing_since=value))
    return {id: since.get(id, at) for id in ids}
