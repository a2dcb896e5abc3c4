"""Features: what a frozen network sees in the frames of tasks, as one vector a frame."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select

from model_registry.database import Database, chunks, upsert
from model_registry.tables import features, tasks

Vector = NDArray[np.float16]


class Features:
    """The vectors of all projects' frames. They can be made again at any time: a missing one costs time only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, project: int, vectors: Mapping[int, tuple[str, Vector]]) -> None:
        """Stores {task: (what the vector was made of, the vector)}; tasks that are gone are left out."""
        with self._database.writing() as connection:
            for chunk in chunks(vectors):
                mine = (tasks.c.project == project, tasks.c.id.in_(chunk))
                there = set(connection.execute(select(tasks.c.id).where(*mine)).scalars())
                rows = [_row(project, task, *vectors[task]) for task in chunk if task in there]
                if rows:
                    insert = upsert(connection, features)
                    replaced = {name: insert.excluded[name] for name in ("source", "vector")}
                    connection.execute(
                        insert.on_conflict_do_update(index_elements=["project", "task"], set_=replaced), rows
                    )

    def sources(self, project: int, of: Iterable[int]) -> dict[int, str]:
        """{task: what its vector was made of}; tasks without one are left out."""
        found: dict[int, str] = {}
        with self._database.reading() as connection:
            for chunk in chunks(set(of)):
                mine = (features.c.project == project, features.c.task.in_(chunk))
                query = select(features.c.task, features.c.source).where(*mine)
                found |= {row.task: row.source for row in connection.execute(query)}
        return found

    def forget(self, project: int, of: Iterable[int]) -> None:
        """Deletes the vectors of these tasks."""
        with self._database.writing() as connection:
            for chunk in chunks(set(of)):
                connection.execute(delete(features).where(features.c.project == project, features.c.task.in_(chunk)))

    def of(self, project: int, sources: Mapping[int, str]) -> dict[int, Vector]:
        """The vectors of those of the tasks whose vector was made of this source; {task: (n,) float16}.

        What a source says behind a line break is which content it had: that makes it no other source.
        """
        found: dict[int, Vector] = {}
        with self._database.reading() as connection:
            for chunk in chunks(sources):
                mine = (features.c.project == project, features.c.task.in_(chunk))
                for row in connection.execute(select(features).where(*mine)):
                    made_of = row.source.partition("\n")[0]
                    if made_of == sources[row.task] and len(row.vector) % 2 == 0:  # else it is damaged
                        found[row.task] = np.frombuffer(row.vector, dtype="<f2")
        return found


def _row(project: int, task: int, source: str, vector: Vector) -> dict[str, Any]:
    return {"project": project, "task": task, "source": source, "vector": vector.astype("<f2").tobytes()}
