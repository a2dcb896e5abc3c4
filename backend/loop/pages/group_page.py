"""What the dashboard shows of one group, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.loop.accepting import waiting
from backend.loop.data import standing
from backend.loop.data.links import group_url
from backend.loop.data.project_news import Baseline, baselines, named, project_models, proposed_by, started_from
from backend.loop.data.projects import rule_of
from backend.loop.data.whole_videos import titles
from backend.loop.pages.gallery import PAGE, GalleryPicture, picture, pictures
from backend.loop.pages.headline import Turn, headline
from backend.loop.pages.overview import WORKING, Alert, backend_alerts, failure
from backend.loop.pages.status import next_version
from backend.loop.predict.suggest import suggestions
from backend.loop.review.difficulty import difficulty
from backend.loop.review.efficiency import Efficiency, group_efficiency
from backend.loop.review.minutes import Minutes, minutes
from backend.loop.services import Services
from model_registry import GroupRecord, GroupState, ProjectRecord, VersionRecord, VersionState

SUGGESTED = 6
"""Tasks that are suggested to look at next: one row."""
VERSIONS_SHOWN = 30
"""Versions that a page lists, besides those that serve or are pinned; the registry keeps the records of all."""
PROBLEMS_SHOWN = 20
"""Tasks with a problem that a page tells of; the others are told of when these are mended."""


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of a control, and its own held-out score."""

    record: VersionRecord
    held_out: float | None
    """On frames it had never seen, measured before the version after it was trained."""
    held_out_frames: int
    pinned: bool
    may_serve: bool
    """Whether it can be pinned: its weights are there, and it was trained to its end."""
    origin: str
    """What its training started from, in words."""


@dataclass(frozen=True, slots=True)
class Gallery:
    """One page of predictions."""

    pictures: tuple[GalleryPicture, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One group."""

    project: ProjectRecord
    record: GroupRecord
    title: str
    """What people call it: its name, of a whole video with that of the file."""
    state: GroupState
    headline: str
    """Where it stands, in a sentence or two."""
    difficulty: str | None
    """Why its micro-model stays poor, and what to do; None where it does not."""
    versions: tuple[VersionView, ...]
    """Of all controls, the newest first; old ones are left out."""
    older: int
    """How many are left out."""
    way_back: bool
    """Whether an older version is there to go back to."""
    alert: Alert | None
    url: str | None
    """Of the group in Label Studio."""
    gallery: Gallery | None
    """None where only what changes by itself was asked for."""
    problems: tuple[GalleryPicture, ...]
    """Tasks that cannot be used."""
    efficiency: Efficiency
    minutes: Minutes
    to_accept: int
    """Tasks without a label that have a prediction; 0 where only what changes by itself was asked for."""
    next: tuple[GalleryPicture, ...]
    """The tasks that are worth a look, the most useful first."""
    proposed_by: str
    """Whose versions made the predictions of a group without a label; empty where its own did."""
    baseline: Baseline | None
    """How one model for the whole project does in the group."""
    expects: str | None
    """When its next version is expected, in words; None where all its labels are learnt."""

    @property
    def serving(self) -> tuple[VersionView, ...]:
        """The versions that serve, one for each control."""
        return tuple(v for v in self.versions if v.record.state == VersionState.SERVING)

    @property
    def stamp(self) -> str:
        """Changes when more than the progress does, so that the whole page is to be shown again."""
        serving = [v.record.id for v in self.serving]
        return f"{self.record.labelled} {self.record.tasks} {self.record.published} {self.state} {serving}"


def group_page(services: Services, project: int, name: str, page: int, whole: bool = True) -> GroupPage | None:
    """One group, with one page (1, 2, ...) of its gallery where the whole is asked for; None where it is not known."""
    registry, now = services.registry, services.clock()
    owner, record = registry.projects.get(project), registry.groups.get(project, name)
    if owner is None or record is None:
        return None
    history = registry.versions.history(project, name)
    foreign = {v.previous for v in history if v.previous is not None} - {v.id for v in history}
    others = [found for id_ in sorted(foreign) if (found := registry.versions.get(id_))]
    versions = version_views(history, registry.versions.pins(project, name), others)
    shown = [
        v for n, v in enumerate(versions) if n < VERSIONS_SHOWN or v.pinned or v.record.state == VersionState.SERVING
    ]
    state = record.state(now)
    efficiency, expects = group_efficiency(services, project, name), next_version(services, record)
    proposed = ", ".join(dict.fromkeys(named(v) for v in proposed_by(services, record)))
    seconds = registry.reviews.seconds(project, name)
    suggests = whole and record.doubt is None and not efficiency.whole_videos
    return GroupPage(
        project=owner,
        record=record,
        title=titles(services, owner, [record]).get(name, name or "(no name)"),
        state=state,
        headline=headline(record, state, efficiency, expects, _turn(services, record, state), proposed),
        difficulty=difficulty(history, record.doubt),
        versions=tuple(shown),
        older=len(versions) - len(shown),
        way_back=any(v.may_serve and v.record.state == VersionState.SUPERSEDED for v in versions),
        alert=_alert(services, owner, record, state),
        url=_url(services, owner, name),
        gallery=gallery(services, owner, name, page) if whole else None,
        problems=tuple(problems(services, owner, name)) if whole else (),
        efficiency=efficiency,
        minutes=minutes(seconds, registry.reviews.summaries(project, name), efficiency.left),
        to_accept=len(waiting(services, project, name)) if whole else 0,
        next=tuple(label_next(services, owner, name)) if suggests else (),
        proposed_by=proposed,
        baseline=baselines(project_models(services, project)).get(name),
        expects=expects,
    )


def _url(services: Services, project: ProjectRecord, group: str) -> str | None:
    first = services.registry.tasks.first_of_groups(project.id, [group]).get(group)
    return group_url(services, project, rule_of(services, project), first)


def _alert(services: Services, project: ProjectRecord, record: GroupRecord, state: GroupState) -> Alert | None:
    """Why the group does not get on."""
    if state == "failed":
        return failure(record, services.clock())
    if (wrong := standing.alert(project)) is not None:
        return Alert(project.id, *wrong)
    return next(iter(backend_alerts(services)), None) if state == "queued" else None


def _turn(services: Services, record: GroupRecord, state: GroupState) -> Turn | None:
    """Why a queued group waits."""
    if state != "queued":
        return None
    now = services.clock()
    if record.due_at is not None and record.due_at > now:
        return Turn(0, None if record.due_at == float("inf") else record.due_at - now)
    pending = [(group.project, group.name) for group in services.registry.groups.pending(now)]
    _, at_work = services.registry.listing.groups(states=WORKING, limit=1)
    mine = (record.project, record.name)
    return Turn(at_work + (pending.index(mine) if mine in pending else len(pending)), None)


def gallery(services: Services, project: ProjectRecord, group: str, page: int) -> Gallery:
    """One page of the group's predictions; a page beyond the last is the last."""
    found, total = pictures(services, project, group, page)
    pages = max(1, -(-total // PAGE))
    return gallery(services, project, group, pages) if page > pages else Gallery(tuple(found), total, page, pages)


def label_next(services: Services, project: ProjectRecord, group: str) -> list[GalleryPicture]:
    """The tasks of the group that are worth a look, the most useful first."""
    found = suggestions(services, project.id, SUGGESTED, group)
    entries = services.registry.ledger.latest(project.id, [s.task for s in found])
    return [picture(services, project, s.task, entries.get(s.task), why=s.reason) for s in found]


def problems(services: Services, project: ProjectRecord, group: str) -> list[GalleryPicture]:
    """The first tasks of the group that cannot be used."""
    found = services.registry.listing.problems(project.id, group, PROBLEMS_SHOWN)
    return [picture(services, project, task.id, None, task.problem) for task in found]


def version_views(
    history: Sequence[VersionRecord], pins: Mapping[str, int], others: Sequence[VersionRecord] = ()
) -> list[VersionView]:
    """The versions of a group, newest first as they come; `pins` is {control: id of the pinned version}, `others` are the
    versions of other groups that some of them started from."""
    known = {v.id: v for v in (*history, *others)}
    held_out: dict[int, tuple[float | None, int]] = {}
    for v in reversed(history):
        unseen = v.metrics.get("unseen")
        if v.previous is not None and isinstance(unseen, Mapping):
            held_out[v.previous] = (unseen.get("score"), int(unseen.get("frames") or 0))
    ended = (VersionState.SERVING, VersionState.SUPERSEDED, VersionState.REJECTED)
    return [
        VersionView(
            v,
            *held_out.get(v.id, (None, 0)),
            pinned=pins.get(v.control) == v.id,
            may_serve=v.artifact is not None and v.state in ended,
            origin=started_from(v, known.get(v.previous) if v.previous is not None else None),
        )
        for v in history
    ]
