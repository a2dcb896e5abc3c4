"""Which frames are worth a person's look next, with links into Label Studio.

What was published is in the order of its scores already; a group that nothing was predicted for yet is begun with the
frames that differ most. Nothing is computed here that needs a network: `look_ahead` is for who has the time, on the command line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from backend.loop.data import acquisition
from backend.loop.data.features import embed_frames, places_of
from backend.loop.data.frames import FrameStore
from backend.loop.data.known import known, known_group
from backend.loop.data.links import task_url
from backend.loop.services import Services
from model_registry import GroupRecord, ProjectRecord

GROUPS_AT_A_TIME = 20
"""Groups of a project that suggestions are gathered from, the most doubtful first: nobody looks at more at once."""
FIRST_FRAMES = 5
"""Frames that a group is begun with."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One frame to look at."""

    task: int
    group: str
    priority: float
    """In [0, 1], higher first."""
    score: float | None
    """Published for it; None where nothing was."""
    reason: str
    url: str
    """The task in Label Studio; empty where its address is not known."""


def suggestions(services: Services, project: int, limit: int, group: str | None = None) -> list[Suggestion]:
    """The frames of a project, or of one group, that are worth a look, the most useful first."""
    record = known(services, project) if group is None else known_group(services, project, group)
    if group is not None:
        chosen = [one] if (one := services.registry.groups.get(project, group)) else []
    else:
        waiting = [g for g in services.registry.groups.all(project) if g.labelled < g.tasks]
        chosen = sorted(waiting, key=lambda g: (g.doubt is None, -(g.doubt or 0.0), g.name))[:GROUPS_AT_A_TIME]
    found = [suggestion for one in chosen for suggestion in _of_group(services, record, one)]
    return sorted(found, key=lambda s: (-s.priority, s.group, s.task))[:limit]


def look_ahead(
    services: Services,
    project: int,
    group: str | None = None,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> None:
    """Look at the frames of groups that nothing was predicted for yet, so that the first ones can be chosen by sight;
    `told` hears how many groups are done, and of how many."""
    registry = services.registry
    record = known(services, project) if group is None else known_group(services, project, group)
    frames = FrameStore(services.media(record), services.settings.frame_cache_mb)
    bare = [one for one in registry.groups.all(project) if one.doubt is None and group in (None, one.name)]
    for done, one in enumerate(bare):
        told(done, len(bare))
        embed_frames(services, record, registry.tasks.of_group(project, one.name), frames)


def _of_group(services: Services, project: ProjectRecord, group: GroupRecord) -> list[Suggestion]:
    registry = services.registry
    tasks = registry.tasks.of_group(project.id, group.name)
    labelled = {label.task for label in registry.labels.of_group(project.id, group.name)}
    rest = [task for task in tasks if task.id not in labelled and task.problem is None]
    published = registry.ledger.scores(project.id, [task.id for task in rest])
    if published:
        return [
            Suggestion(
                id_, group.name, 1 - score, score, f"right as it is at {score:.0%}", _url(services, project, id_)
            )
            for id_, score in published.items()
        ]
    places, open_ = places_of(services, project, tasks), {task.id for task in rest}
    done = [n for n, task in enumerate(tasks) if task.id not in open_]
    picked = [tasks[n].id for n in acquisition.diverse(places, done, FIRST_FRAMES)]
    return [
        Suggestion(id_, group.name, 1 - n / FIRST_FRAMES, None, "unlike the others", _url(services, project, id_))
        for n, id_ in enumerate(picked)
    ]


def _url(services: Services, project: ProjectRecord, task: int) -> str:
    return task_url(services, project, task) or ""
