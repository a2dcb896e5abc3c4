"""What the dashboard's pages show, as plain data: projects with what is wrong with them, pages of groups, one group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from backend.errors import LabelingConfigError, in_words
from backend.loop.data import standing
from backend.loop.data.links import project_url
from backend.loop.data.project_news import Baseline, baselines, named, project_models, proposed_by
from backend.loop.data.vanished import absence
from backend.loop.data.whole_videos import titles
from backend.loop.pages.status import LATEST
from backend.loop.review.difficulty import POOR_SCORE, difficulty
from backend.loop.review.efficiency import Efficiency, project_efficiency
from backend.loop.services import Services
from backend.loop.worker.health import disk_problem, duration, worker_problem
from model_registry import (
    SORTS,
    AnnotatorWork,
    GroupRecord,
    GroupRow,
    GroupState,
    ProjectCounts,
    ProjectRecord,
    Sort,
    Space,
    VersionRecord,
)

GROUPS_ON_PAGE = 50
FAILED_SHOWN = 10
"""Failed groups that the first page tells of; the project's page lists all."""
WORKING: tuple[GroupState, ...] = ("training", "publishing")
SWEEPS_MISSED = 3
"""A comparison with Label Studio that is overdue by so many pauses means that something is wrong."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know of, and what to do about it."""

    project: int | None
    """None: it concerns all of them."""
    what: str
    remedy: str
    group: str | None = None
    grave: bool = True
    """Labelling goes on without it being mended where False."""


@dataclass(frozen=True, slots=True)
class ProjectView:
    """One project in figures."""

    record: ProjectRecord
    counts: ProjectCounts
    url: str | None
    """Of the project in Label Studio."""
    training_requested: bool
    weights: Space
    """What the weights of its versions take."""
    alerts: tuple[Alert, ...]
    project_models: tuple[VersionRecord, ...] = ()
    """The networks over all labelled groups that serve, one for each control."""
    people: tuple[AnnotatorWork, ...] = ()
    """Who labelled, on the project's own page."""


@dataclass(frozen=True, slots=True)
class Index:
    """The first page."""

    projects: tuple[ProjectView, ...]
    working: tuple[GroupRow, ...]
    alerts: tuple[Alert, ...]
    """Grave ones first."""
    failed: int
    """Failed groups in all; `alerts` tells of the first few."""
    queued: int
    """Groups that wait for a worker, or for their labels to settle."""
    titles: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """{(project, name): what people call it} of the groups at work that are one video each."""

    @property
    def project_titles(self) -> dict[int, str]:
        """{project: what people call it}"""
        return {view.record.id: view.record.title for view in self.projects}


@dataclass(frozen=True, slots=True)
class GroupList:
    """One page of a project's groups."""

    rows: tuple[GroupRow, ...]
    sort: Sort
    standing: Mapping[str, Efficiency]
    """{name: what is done and expected} of the groups."""
    baseline: Mapping[str, Baseline]
    """{name: how one model for the whole project does in the group}."""
    proposers: Mapping[str, str]
    """{name: who made the proposals of the group, in words} where it has no label."""
    titles: Mapping[str, str]
    """{name: what people call it} of the groups that are one video each."""
    difficulties: Mapping[str, str]
    """{name: why its micro-model stays poor, and what to do} of the groups in which it does."""
    total: int
    page: int
    pages: int


def index(services: Services) -> Index:
    """The first page: projects, what is at work, what is wrong with them."""
    listing, counts = services.registry.listing, services.registry.listing.counts()
    projects = tuple(
        _safe_view(services, p, counts.get(p.id, ProjectCounts())) for p in services.registry.projects.all()
    )
    working, _ = listing.groups(states=WORKING)
    failed, total = listing.groups(states=("failed",), limit=FAILED_SHOWN)
    now = services.clock()
    alerts = backend_alerts(services) + [alert for p in projects for alert in p.alerts]
    alerts += [failure(row.record, now) for row in failed]
    queued = sum(p.counts.states.get("queued", 0) for p in projects)
    there = tuple(p for p in projects if not p.record.gone)
    named_so = {
        (p.record.id, name): title
        for p in projects
        for name, title in titles(
            services, p.record, [r.record for r in working if r.record.project == p.record.id]
        ).items()
    }
    return Index(there, tuple(working), tuple(sorted(alerts, key=lambda t: not t.grave)), total, queued, named_so)


def backend_alerts(services: Services) -> list[Alert]:
    """What is wrong with the backend as a whole."""
    found: list[Alert] = []
    if (problem := worker_problem(services)) is not None:
        start = (
            "Nothing is trained meanwhile: start one with `micro-models worker`, or with `serve` without `--no-worker`."
        )
        found.append(Alert(None, problem, f"{start} The labels are kept until then."))
    if (problem := disk_problem(services)) is not None:
        found.append(Alert(None, problem, "Make room, before labels and weights cannot be written any more."))
    return found


def _safe_view(services: Services, project: ProjectRecord, counts: ProjectCounts) -> ProjectView:
    """One project in figures; one whose records are odd costs itself alone, not the page of all."""
    try:
        return project_view(services, project, counts)
    except Exception as error:
        log.exception("the project cannot be shown", project=project.id)
        what = f"Its records cannot be shown: {in_words(error)}"
        odd = Alert(project.id, what, "The others are not touched by it. Connect the project again.")
        return ProjectView(project, counts, None, False, Space(0, 0), (odd,))


def project_page(services: Services, project: int) -> ProjectView | None:
    """One project; None where it is not known."""
    record = services.registry.projects.get(project)
    if record is None:
        return None
    view = project_view(services, record, services.registry.listing.counts(project).get(project, ProjectCounts()))
    people = tuple(services.registry.reviews.by_annotator(project))
    return replace(view, alerts=(*backend_alerts(services), *view.alerts), people=people)


def project_view(services: Services, project: ProjectRecord, counts: ProjectCounts) -> ProjectView:
    """One project in figures."""
    return ProjectView(
        record=project,
        counts=counts,
        url=project_url(services, project),
        training_requested=bool(project.settings.get("training_requested")),
        alerts=tuple(project_alerts(services, project, counts)),
        weights=services.registry.retention.space(project.id).get(project.id, Space(0, 0)),
        project_models=tuple(project_models(services, project.id)),
    )


def project_alerts(services: Services, project: ProjectRecord, counts: ProjectCounts) -> list[Alert]:
    """What is wrong with the project as a whole."""
    if (missing := absence(project)) is not None:
        return [Alert(project.id, *missing, grave=not project.gone)]
    found: list[Alert] = []
    try:
        config = services.config(project)
        config.require()
    except LabelingConfigError as error:
        where = "Change it in Label Studio: Settings > Labeling Interface > Code."
        found.append(Alert(project.id, str(error), where))
    else:
        for text in config.unsupported:
            leave = 'Its regions stay yours to draw. Give the tag model_skip="true" to hide this remark.'
            if "model_skip" not in text:
                found.append(Alert(project.id, f"Not served: {text}.", leave, grave=False))
    if (wrong := standing.alert(project)) is not None:
        found.append(Alert(project.id, *wrong))
    elif services.studio(project) is None:
        found.append(Alert(
            project.id, "No API key of Label Studio is known: predictions are given only when it asks for them.",
            f"Run `{standing.connect_command(project, with_key=True)}`.", grave=False,
        ))  # fmt: skip
    elif (late := _sweep_late(services, project)) is not None:
        found.append(late)
    if (open_ := standing.unprotected(project)) is not None:
        found.append(Alert(project.id, *open_, grave=False))
    if counts.problems:
        many = f"{counts.problems} tasks cannot be used" if counts.problems > 1 else "1 task cannot be used"
        found.append(Alert(project.id, f"{many}.", "The groups' pages say which, and why.", grave=False))
    return found


def failure(group: GroupRecord, now: float) -> Alert:
    """Why a group's training or publishing failed, and when it is tried again."""
    due = group.due_at
    if due is None or due <= now:
        again = "It is tried again as soon as a worker is free."
    elif due == float("inf"):
        again = "It is tried again when its labels change, or with 'Train now'."
    else:
        again = f"It is tried again by itself in {duration(due - now)}, at once with 'Train now'."
    return Alert(group.project, group.reason or "The last training failed without a reason.", again, group.name)


def group_list(
    services: Services, project: int, search: str = "", sort: str = "state", descending: bool = False, page: int = 1
) -> GroupList:
    """One page (1, 2, ...) of a project's groups; a page beyond the last is the last, an unknown order that by state."""
    order: Sort = next((known for known in SORTS if known == sort), "state")
    first = (page - 1) * GROUPS_ON_PAGE
    rows, total = services.registry.listing.groups(
        project, search=search, sort=order, descending=descending, offset=first, limit=GROUPS_ON_PAGE
    )
    pages = max(1, -(-total // GROUPS_ON_PAGE))
    if page > pages:
        return group_list(services, project, search, sort, descending, pages)
    records = [row.record for row in rows]
    who = {g.name: ", ".join(dict.fromkeys(named(v) for v in proposed_by(services, g))) for g in records}
    standing, baseline = project_efficiency(services, records), baselines(project_models(services, project))
    called = titles(services, services.registry.projects.require(project), records)
    return GroupList(
        tuple(rows), order, standing, baseline, who, called, difficulties(services, rows), total, page, pages
    )


def difficulties(services: Services, rows: Sequence[GroupRow]) -> dict[str, str]:
    """{name: why its micro-model stays poor, and what to do} of those groups in which it does."""
    found: dict[str, str] = {}
    for row in rows:
        group, scores = row.record, [v.score for v in row.serving if v.score is not None]
        if min(scores, default=1.0) < POOR_SCORE:  # of few groups: each takes a query
            history = services.registry.versions.history(group.project, group.name, most=LATEST)
            if why := difficulty(history, group.doubt):
                found[group.name] = why
    return found


def _sweep_late(services: Services, project: ProjectRecord) -> Alert | None:
    """A comparison with Label Studio that should have happened and did not."""
    pause = services.settings.sweep_seconds
    if project.synced_at is None:
        what = "Not compared with Label Studio yet."
    elif services.clock() - project.synced_at > SWEEPS_MISSED * pause:
        past = services.clock() - project.synced_at
        what = f"Not compared with Label Studio for {duration(past)}; expected every {duration(pause)}."
    else:
        return None
    check = f"`micro-models check --project {project.id}`"
    return Alert(project.id, what, f"See whether a worker runs (`micro-models worker`), and what {check} says.")
