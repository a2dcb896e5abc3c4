"""Reviews: what people did to the predictions that they were shown, annotation by annotation."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, select, update

from model_registry.database import Database, upsert
from model_registry.projects import lock_project
from model_registry.records import LabelRecord
from model_registry.reviewed import LONGEST_SECONDS, AnnotatorWork, ReviewRecord, ReviewSummary
from model_registry.tables import counts, is_pending, labels, labels_task, reviews, reviews_task, tasks

reviewed = and_(labels.c.project == reviews.c.project, labels.c.id == reviews.c.annotation)
"""The review is of the label."""
_LEAD = labels.c.details["lead_time"].as_string()
"""Seconds that an annotation was open, as its source says: whatever it says."""
BLANK: Mapping[str, Any] = {
    "annotator": "", "round": 0, "created_at": 0.0, "shown": False, "score": None,
    "actions": 0, "accepted": 0, "labels": 0, "tallies": [],
}  # fmt: skip
"""A review that was not made yet."""


@dataclass(frozen=True, slots=True)
class Review:
    """The outcome of comparing one annotation with what was shown, as it is stored."""

    annotation: int
    updated_at: float
    """Of the label that was compared: a newer one is left pending."""
    annotator: str
    round: int
    created_at: float
    shown: bool
    score: float | None
    tallies: Sequence[Mapping[str, Any]]
    """For each control and label: `control`, `label` and the counts of a ReviewRecord."""


class Reviews:
    """The reviews of all projects. A label that is written becomes pending; deleted and skipped ones have none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, project: int, most: int) -> list[tuple[str, LabelRecord]]:
        """Labels that wait for their review, of tasks that are known, each with its group; `most` at a time."""
        query = (
            select(tasks.c.group, *(labels.c[name] for name in LabelRecord.__dataclass_fields__))
            .select_from(reviews.join(labels, reviewed).join(tasks, labels_task))
            .where(reviews.c.project == project, is_pending, counts)
            .order_by(labels.c.id)
            .limit(most)
        )
        with self._database.reading() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
        return [(row.pop("group"), LabelRecord(**row)) for row in rows]

    def record(self, project: int, made: Iterable[Review]) -> int:
        """Stores the reviews of labels that did not change meanwhile; returns how many."""
        current = (
            select(labels.c.id)
            .where(reviewed, labels.c.updated_at == bindparam("seen"), counts)
            .correlate(reviews)
            .exists()
        )
        mine = (reviews.c.project == project, reviews.c.annotation == bindparam("id_"))
        statement = update(reviews).where(*mine, current)
        with self._database.writing() as connection:
            lock_project(connection, project)
            return sum(connection.execute(statement, _row(review)).rowcount for review in made)

    def of_group(self, project: int, group: str) -> list[ReviewRecord]:
        """What was done in the group, by annotation, control and label."""
        return self._records(project, tasks.c.group == group)

    def of_project(self, project: int) -> list[ReviewRecord]:
        """What was done in the project, by annotation, control and label."""
        return self._records(project)

    def summaries(self, project: int, *groups: str) -> list[ReviewSummary]:
        """The reviewed annotations of the project (of these groups, some hundreds at most), the oldest first."""
        names = [name for name in ReviewSummary.__dataclass_fields__ if name != "group"]
        query = (
            select(*(reviews.c[name] for name in names), tasks.c.group)
            .select_from(reviews.join(tasks, reviews_task))
            .where(reviews.c.project == project, reviews.c.pending.is_(False))
            .order_by(reviews.c.created_at, reviews.c.annotation)
        )
        if groups:
            query = query.where(tasks.c.group.in_(groups))
        with self._database.reading() as connection:
            return [ReviewSummary(**row._mapping) for row in connection.execute(query)]

    def by_annotator(self, project: int) -> list[AnnotatorWork]:
        """What each person did in the project, as far as it is reviewed; who did most comes first."""
        query = (
            select(reviews.c.annotator, reviews.c.task, reviews.c.actions, reviews.c.labels, _LEAD)
            .select_from(reviews.join(labels, reviewed))
            .where(reviews.c.project == project, reviews.c.pending.is_(False), counts)
        )
        found = defaultdict[str, list[Any]](list)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found[row.annotator].append(row)
        works = [
            AnnotatorWork(
                who, len({row.task for row in rows}), sum(row.actions for row in rows), sum(row.labels for row in rows),
                sum(_seconds(row[-1]) for row in rows),
            )
            for who, rows in found.items()
        ]  # fmt: skip
        return sorted(works, key=lambda work: (-work.tasks, work.annotator))

    def seconds(self, project: int, group: str) -> dict[int, float]:
        """{annotation: seconds that it was open} of the group's reviewed annotations; 0 where that is not known."""
        query = (
            select(labels.c.id, _LEAD)
            .select_from(reviews.join(labels, reviewed).join(tasks, labels_task))
            .where(reviews.c.project == project, tasks.c.group == group, reviews.c.pending.is_(False), counts)
        )
        with self._database.reading() as connection:
            return {id_: _seconds(told) for id_, told in connection.execute(query)}

    def _records(self, project: int, *where: Any) -> list[ReviewRecord]:
        columns = [reviews.c[name] for name in ("annotation", "project", "task", "annotator", "round", "tallies")]
        query = (
            select(*columns, tasks.c.group)
            .select_from(reviews.join(tasks, reviews_task))
            .where(reviews.c.project == project, reviews.c.pending.is_(False), *where)
            .order_by(reviews.c.annotation)
        )
        found: list[ReviewRecord] = []
        with self._database.reading() as connection:
            for row in connection.execute(query):
                common = {key: value for key, value in row._mapping.items() if key != "tallies"}
                found += [ReviewRecord(**common, **tally) for tally in row.tallies]
        return found


def mark_pending(connection: Connection, project: int, changed: Iterable[tuple[int, int | None, bool]]) -> None:
    """Has labels reviewed (again), or forgets their reviews: (annotation, task, whether it counts) of each."""
    rows = list(changed)
    gone = [id for id, task, live in rows if task is None or not live]
    fresh = [
        {"annotation": id, "project": project, "task": task, "pending": True, **BLANK}
        for id, task, live in rows
        if task is not None and live
    ]
    if gone:
        connection.execute(delete(reviews).where(reviews.c.project == project, reviews.c.annotation.in_(gone)))
    if fresh:
        insert = upsert(connection, reviews)
        again = {"pending": True, "task": insert.excluded.task}
        connection.execute(insert.on_conflict_do_update(index_elements=["project", "annotation"], set_=again), fresh)


def _row(review: Review) -> dict[str, Any]:
    tallies = [dict(tally) for tally in review.tallies]
    actions = sum(t["moved"] + t["relabelled"] + t["added"] + t["deleted"] for t in tallies)
    return {
        "id_": review.annotation, "seen": review.updated_at, "pending": False, "annotator": review.annotator,
        "round": review.round, "created_at": review.created_at, "shown": review.shown, "score": review.score,
        "actions": actions, "accepted": sum(t["accepted"] for t in tallies),
        "labels": sum(t["labels"] for t in tallies), "tallies": tallies,
    }  # fmt: skip


def _seconds(told: object) -> float:
    """A time in seconds from what a source says of it; 0 where that is none."""
    try:
        seconds = float(str(told))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else 0.0
