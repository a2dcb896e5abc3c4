"""Job priority: claimable groups, and their order."""

from sqlalchemy import ColumnElement, exists, func, not_, or_, select

from model_registry.tables import counts, groups, labels_task, of_tasks, open_, projects, tasks

project_is_active = groups.c.project.not_in(
    select(projects.c.id).where(or_(projects.c.gone_since.is_not(None), projects.c.stopped.is_not(None)))
)
"""The group's project is neither gone from its source nor stopped."""
has_demand = or_(
    groups.c.forced.is_(True),
    groups.c.project.in_(select(projects.c.id).where(projects.c.config.contains("<Video"))),
    exists().where(
        tasks.c.project == groups.c.project,
        tasks.c.group == groups.c.name,
        not_(exists().where(labels_task, counts).correlate(tasks)),
    ),
)
"""Somebody waits for the group: a person asked for it, or a task of it has no label and so wants a prediction. (A whole video
is predicted although it is labelled: the one thing that is read in a labeling config here.)"""
ORDER = (
    not_(of_tasks),
    groups.c.forced.desc(),
    has_demand.desc(),
    func.coalesce(groups.c.first_due, groups.c.due_at, 0),
    groups.c.project,
    groups.c.name,
)
"""Order in which groups that are due are claimed."""


def claimable(now: float, until: float) -> tuple[ColumnElement[bool], ...]:
    """What is left to do by then, and no worker has it; projects that are gone or stopped are left alone."""
    return (
        open_,
        project_is_active,
        or_(groups.c.due_at.is_(None), groups.c.due_at <= until),
        or_(groups.c.lease_owner.is_(None), groups.c.lease_until <= now),
    )
