"""Features: what a frozen network sees in the frames of tasks, as one vector a frame."""

from collections.abc import Iterable, Mapping

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

    def record(self, vectors: Mapping[int, tuple[str, Vector]]) -> None:
        """Stores {task: (what the vector was made of, the vector)}; tasks that are gone are left out."""
        with self._database.writing() as connection:
            for chunk in chunks(vectors):
                there = set(connection.execute(select(tasks.c.id).where(tasks.c.id.in_(chunk))).scalars())
                rows = [
                    {"task": task, "source": vectors[task][0], "vector": vectors[task][1].astype("<f2").tobytes()}
                    for task in chunk
                    if task in there
                ]
                if rows:
                    insert = upsert(connection, features)
                    replaced = {name: insert.excluded[name] for name in ("source", "vector")}
                    connection.execute(insert.on_conflict_do_update(index_elements=["task"], set_=replaced), rows)

    def sources(self, of: Iterable[int]) -> dict[int, str]:
        """{task: what its vector was made of}; tasks without one are left out."""
        found: dict[int, str] = {}
        with self._database.reading() as connection:
            for chunk in chunks(set(of)):
                query = select(features.c.task, features.c.source).where(features.c.task.in_(chunk))
                found |= {row.task: row.source for row in connection.execute(query)}
        return found

    def forget(self, of: Iterable[int]) -> None:
        """Deletes the vectors of these tasks."""
        with self._database.writing() as connection:
            for chunk in chunks(set(of)):
                connection.execute(delete(features).where(features.c.task.in_(chunk)))

    def of(self, sources: Mapping[int, str]) -> dict[int, Vector]:
        """The vectors of those of the tasks whose vector was made of this source; {task: (n,) float16}.

        What a source says behind a line break is which content it had: that makes it no other source.
        """
        found: dict[int, Vector] = {}
        with self._database.reading() as connection:
            for chunk in chunks(sources):
                for row in connection.execute(select(features).where(features.c.task.in_(chunk))):
                    if row.source.partition("\n")[0] == sources[row.task]:
                        found[row.task] = np.frombuffer(row.vector, dtype="<f2")
        return found
