"""Lists for people: one page of groups in an order, and counts; one statement for each table, however many groups."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, distinct, exists, func, or_, select
from sqlalchemy.exc import DBAPIError

from model_registry.database import Database
from model_registry.group_rows import GroupKey
from model_registry.groups import group_record, records
from model_registry.listed import GroupRow, ProjectCounts, Serving, Work
from model_registry.records import GroupRecord, GroupState, TaskRecord
from model_registry.reviewed import LedgerEntry
from model_registry.tables import (
    counts,
    groups,
    labels,
    labels_task,
    ledger,
    reviews,
    reviews_task,
    serves,
    tasks,
    versions,
)
from model_registry.urgency import project_is_active

Sort = Literal["state", "name", "tasks", "labelled", "version", "score", "efficiency", "need"]
SORTS: tuple[Sort, ...] = get_args(Sort)
TASK = tuple(tasks.c[name] for name in TaskRecord.__dataclass_fields__)
"""What a TaskRecord is made of."""
URGENCY: tuple[GroupState, ...] = ("failed", "training", "publishing", "queued", "idle")
"""The states, what somebody should look at first."""


class Listing:
    """What pages list."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def counts(self, project: int | None = None) -> dict[int, ProjectCounts]:
        """By project (of one alone); one without a task is left out."""
        state = state_at(self._clock())
        of_states = select(groups.c.project, state.label("state"), func.count().label("n")).where(has_tasks())
        of_tasks = select(tasks.c.project, func.count().label("n"), func.count(tasks.c.problem).label("problems"))
        of_labels = (
            select(tasks.c.project, func.count(distinct(labels.c.task)).label("n"))
            .select_from(labels.join(tasks, labels_task))
            .where(counts)
        )
        of_reviews = _worked(reviews.c.project).where(reviews.c.pending.is_(False))
        if project is not None:
            of_states = of_states.where(groups.c.project == project)
            of_tasks = of_tasks.where(tasks.c.project == project)
            of_labels = of_labels.where(tasks.c.project == project)
            of_reviews = of_reviews.where(reviews.c.project == project)
        states = defaultdict[int, dict[str, int]](dict)
        with self._database.reading() as connection:
            for row in connection.execute(of_states.group_by(groups.c.project, state)):
                states[row.project][row.state] = row.n
            sizes = {row.project: row for row in connection.execute(of_tasks.group_by(tasks.c.project))}
            labelled = {row.project: row.n for row in connection.execute(of_labels.group_by(tasks.c.project))}
            work = {row.project: Work(row.actions, row.labels, row.seen) for row in connection.execute(of_reviews)}
        return {
            id: ProjectCounts(states[id], row.n, labelled.get(id, 0), row.problems, work.get(id, Work()))
            for id, row in sizes.items()
        }

    def states(self) -> dict[GroupState, int]:
        """How many groups with a task are in each state, over all projects."""
        state = state_at(self._clock())
        query = select(state.label("state"), func.count().label("n")).where(has_tasks()).group_by(state)
        with self._database.reading() as connection:
            return dict.fromkeys(URGENCY, 0) | {row.state: row.n for row in connection.execute(query)}

    def groups(
        self,
        project: int | None = None,
        *,
        search: str = "",
        states: tuple[GroupState, ...] = (),
        sort: Sort = "state",
        descending: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[GroupRow], int]:
        """One page of the groups that have a task (of one project, or of all that are not gone), and how many there are.

        `search` is part of a name, upper or lower case. Equal ones are in the order of project and name; where a group
        has no value to sort by, it comes last.
        """
        state = state_at(self._clock())
        where = [has_tasks()]
        where.append(project_is_active if project is None else groups.c.project == project)
        if search:
            where.append(groups.c.name.icontains(search, autoescape=True))
        if states:
            where.append(state.in_(states))
        page = records().where(*where).offset(offset).limit(limit)
        key = _keys(page, state)[sort]
        page = page.order_by((key.desc() if descending else key.asc()).nulls_last(), groups.c.project, groups.c.name)
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(groups).where(*where)).scalar_one()
            found = [group_record(row) for row in connection.execute(page)]
            serving = _serving_of(connection, found)
            work = _work_of(connection, found)
        keys = [(g.project, g.name) for g in found]
        return [GroupRow(g, serving.get(k, ()), work.get(k, Work())) for g, k in zip(found, keys, strict=True)], total

    def unlabelled(
        self, project: int, group: str, *, offset: int = 0, limit: int = 24
    ) -> tuple[list[tuple[TaskRecord, LedgerEntry]], int]:
        """One page of the group's tasks without a label, each with its last prediction, the least certain first; and
        how many there are in all."""
        of_task = (ledger.c.project == tasks.c.project, ledger.c.task == tasks.c.id)
        last = select(func.max(ledger.c.id)).where(*of_task).correlate(tasks).scalar_subquery()
        labelled = exists(select(labels.c.id).where(labels_task, counts))
        both = tasks.join(ledger, ledger.c.id == last)
        where = (tasks.c.project == project, tasks.c.group == group, ~labelled)
        published = [ledger.c[name].label(f"p_{name}") for name in LedgerEntry.__dataclass_fields__]
        query = select(*TASK, *published).select_from(both).where(*where).order_by(ledger.c.score, tasks.c.id)
        with self._database.reading() as connection:
            total = connection.execute(select(func.count()).select_from(both).where(*where)).scalar_one()
            return [_shown(row) for row in connection.execute(query.offset(offset).limit(limit))], total

    def problems(self, project: int, group: str | None = None, limit: int = 20) -> list[TaskRecord]:
        """The first tasks that cannot be used, with the reason in `problem`."""
        query = select(*TASK).where(tasks.c.project == project, tasks.c.problem.is_not(None))
        if group is not None:
            query = query.where(tasks.c.group == group)
        with self._database.reading() as connection:
            return [TaskRecord(**row._mapping) for row in connection.execute(query.order_by(tasks.c.id).limit(limit))]


def state_at(now: float) -> ColumnElement[str]:
    """The one word that a person sees, as `GroupRecord.state` says it of a record."""
    g = groups.c
    held = and_(g.lease_owner.is_not(None), g.lease_until > now, g.phase.is_not(None))
    return case(
        (and_(held, g.phase == "publishing"), "publishing"),
        (held, "training"),
        (g.failed_revision == g.wanted, "failed"),
        (or_(g.wanted != g.trained, g.published != g.trained, g.forced.is_(True)), "queued"),
        else_="idle",
    )


def has_tasks() -> ColumnElement[bool]:
    """Groups stay when their last task leaves them; nobody wants to see those."""
    mine = (tasks.c.project == groups.c.project, tasks.c.group == groups.c.name)
    return exists(select(tasks.c.id).where(*mine).correlate(groups))


_EFFICIENCY: ColumnElement[Any] = (
    select(-func.sum(reviews.c.actions) * 1.0 / func.nullif(func.sum(reviews.c.labels), 0))
    .select_from(tasks.join(reviews, reviews_task))
    .where(tasks.c.project == groups.c.project, tasks.c.group == groups.c.name, reviews.c.pending.is_(False))
    .correlate(groups)
    .scalar_subquery()
)
"""Of one group, less by 1: orders as efficiency does."""
_SCORE = versions.c.metrics["unseen"]["score"].as_float()


def _serving_of(connection: Connection, listed: Sequence[GroupRecord]) -> dict[GroupKey, tuple[Serving, ...]]:
    """The serving versions of the groups, by control."""
    columns = (versions.c.project, versions.c.group, versions.c.control, versions.c.number, _SCORE.label("score"))
    mine = (versions.c.project.in_({g.project for g in listed}), versions.c.group.in_({g.name for g in listed}))
    found = defaultdict[GroupKey, tuple[Serving, ...]](tuple)
    query = select(*columns).where(*mine, serves).order_by(versions.c.control)
    for row in _readable(connection, query, listed):
        found[row.project, row.group] += (Serving(row.control, row.number, row.score),)
    return found


def _readable(connection: Connection, query: Select[Any], listed: Sequence[GroupRecord]) -> list[Row[Any]]:
    """The rows; where one cannot be read, since what is in it is no JSON, those of the other groups."""
    try:
        return list(connection.execute(query))
    except (DBAPIError, ValueError):
        if len(listed) > 1:
            one_by_one = (
                (query.where(versions.c.project == g.project, versions.c.group == g.name), [g]) for g in listed
            )
            return [row for each, alone in one_by_one for row in _readable(connection, each, alone)]
        return []


def _work_of(connection: Connection, listed: Sequence[GroupRecord]) -> dict[GroupKey, Work]:
    """What people did in the groups."""
    mine = (tasks.c.project.in_({g.project for g in listed}), tasks.c.group.in_({g.name for g in listed}))
    summed = _worked(tasks.c.project, tasks.c.group).join(tasks, reviews_task)
    rows = connection.execute(summed.where(*mine, reviews.c.pending.is_(False)))
    return {(row.project, row.group): Work(row.actions, row.labels, row.seen) for row in rows}


def _worked(*by: ColumnElement[Any]) -> Select[Any]:
    """Actions and labels of the reviewed annotations, summed up, and how many saw a prediction."""
    sums = (func.sum(reviews.c[name]).label(name) for name in ("actions", "labels"))
    seen = func.sum(case((reviews.c.shown.is_(True), 1), else_=0)).label("seen")
    return select(*by, *sums, seen).select_from(reviews).group_by(*by)


def _keys(listed: Select[Any], state: ColumnElement[str]) -> dict[Sort, ColumnElement[Any]]:
    """What to order by; what has to be worked out for every group is so only where it is asked for."""
    mine = (versions.c.project == groups.c.project, versions.c.group == groups.c.name, serves)
    return {
        "state": case({word: place for place, word in enumerate(URGENCY)}, value=state),
        "name": groups.c.name,
        "tasks": listed.selected_columns["tasks"],
        "labelled": listed.selected_columns["labelled"],
        "version": select(func.max(versions.c.number)).where(*mine).correlate(groups).scalar_subquery(),
        "efficiency": _EFFICIENCY,
        # The most doubt left first: an ascending order begins with it.
        "need": -groups.c.doubt * (listed.selected_columns["tasks"] - listed.selected_columns["labelled"]),
        "score": select(func.min(_SCORE)).where(*mine).correlate(groups).scalar_subquery(),
    }


def _shown(row: Row[Any]) -> tuple[TaskRecord, LedgerEntry]:
    values = dict(row._mapping)
    entry = {name: values.pop(f"p_{name}") for name in LedgerEntry.__dataclass_fields__}
    return TaskRecord(**values), LedgerEntry(**entry)
