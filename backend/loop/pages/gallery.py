"""Galleries of predictions: which tasks a person should look at, and what is said of each."""

from dataclasses import dataclass, replace

from backend.loop.data.links import task_url
from backend.loop.services import Services
from backend.studio.moments import moments
from backend.studio.wording import in_words
from model_registry import LedgerEntry, ProjectRecord

PAGE = 24
"""Pictures of a page: fills rows of 2, 3, 4 and 6."""


MOMENTS = 8
"""Frames of a video that show its prediction."""


@dataclass(frozen=True, slots=True)
class GalleryPicture:
    """One task of a gallery."""

    task: int
    score: float | None
    says: str
    """What was predicted, in words."""
    stamp: str
    """Changes when the picture does."""
    url: str | None
    """The task in Label Studio."""
    problem: str | None = None
    why: str | None = None
    """Why somebody should look at it, where that is known."""
    frame: int | None = None
    """Of a video: which frame of it is shown, from 1."""


def pictures(services: Services, project: ProjectRecord, group: str, page: int) -> tuple[list[GalleryPicture], int]:
    """One page (1, 2, ...) of the group's unlabelled tasks, the least certain first; and how many there are in all."""
    if services.video_field(project) is not None:
        found = frames_of_videos(services, project, group)
        return found[(page - 1) * PAGE : page * PAGE], len(found)
    listing = services.registry.listing
    rows, total = listing.unlabelled(project.id, group, offset=(page - 1) * PAGE, limit=PAGE)
    return [picture(services, project, task.id, entry, task.problem) for task, entry in rows], total


def frames_of_videos(services: Services, project: ProjectRecord, group: str) -> list[GalleryPicture]:
    """Some frames of each video of the group, with what is predicted there, in the order of time."""
    registry = services.registry
    entries = registry.ledger.latest(project.id, [task.id for task in registry.tasks.of_group(project.id, group)])
    return [
        replace(picture(services, project, task, entry), frame=frame)
        for task, entry in sorted(entries.items())
        for frame in moments(entry.result, MOMENTS)
    ]


def picture(
    services: Services,
    project: ProjectRecord,
    task: int,
    entry: LedgerEntry | None,
    problem: str | None = None,
    why: str | None = None,
) -> GalleryPicture:
    """A task as a gallery shows it; `entry` is what was last published for it."""
    says, stamp = (in_words(entry.result), f"{entry.published_at:.3f}") if entry else ("no prediction", "0")
    return GalleryPicture(
        task, entry.score if entry else None, says, stamp, task_url(services, project, task), problem, why
    )
