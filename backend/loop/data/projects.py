"""What a project is to us: its labeling config, its grouping rule, the version string that it shows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from backend.errors import LabelingConfigError
from backend.loop.data.grouping import GroupRule, choose_rule, group_of, ordered_by
from backend.loop.data.standing import LEFT, has_just_left, heard_as
from backend.loop.services import Services
from backend.objects.asked import SETTING, as_json
from backend.objects.composing import in_dependency_order
from backend.studio import events, json_text
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Media
from model_registry import STOPPED, ArtifactRef, LabelRecord, ProjectRecord, TaskRecord, VersionRecord

log = structlog.get_logger(__name__)


def setup(services: Services, project_id: int, config: str, extra_params: Any, host: str = "") -> str:
    """Take note of a project that Label Studio connects us to, calling us `host`; returns the version string to answer.

    Called on every move of an annotator: one read of the registry where nothing changed, and no network ever.
    """
    project = services.registry.projects.seen(project_id)
    extra = parse_extra_params(extra_params)
    # A sweep finds our row in Label Studio's list; without a key nobody can, and Label Studio's call is the proof.
    is_proof = services.studio(project) is None and not has_just_left(services, project)
    lifted = {STOPPED: None, LEFT: None} if project.stopped and is_proof else {}
    if news := {**heard_as(project, host), **lifted}:
        project = services.registry.projects.configure(project_id, settings=news)
    if lifted or project.stopped:
        services.queue.enqueue_sweep(project_id)
    if (config and config != project.config) or extra != project.settings.get("extra_params", {}):
        project = configured(services, project_id, config or project.config, {"extra_params": extra})
        services.queue.enqueue_sweep(project_id)
    elif (project.synced_at is None or project.gone) and services.studio(project):
        services.queue.enqueue_sweep(project_id)
    return model_version(services, project)


def configured(
    services: Services,
    project_id: int,
    config: str,
    settings: Mapping[str, Any] | None = None,
    seen: ProjectRecord | None = None,
) -> ProjectRecord:
    """The project with this labeling config and what it asks for, by which readers of the registry compose. `seen` as in
    `Projects.configure`."""
    project = services.registry.projects.configure(project_id, config, settings, seen)
    try:
        controls = services.config(project).controls
    except LabelingConfigError:
        controls = ()
    rows = zip(controls, as_json(controls), strict=True)
    asked = [{"control": control, "fingerprint": control_fingerprint(one)} for one, control in rows]
    if asked == project.settings.get(SETTING, []):
        return project
    return services.registry.projects.configure(project_id, settings={SETTING: asked or None})


def project_of(services: Services, config: str | None) -> int | None:
    """The one project with this labeling config, for who names no project; None where there is none, or several."""
    found = [p.id for p in services.registry.projects.all() if config and p.config == config]
    return found[0] if len(found) == 1 else None


def model_version(services: Services, project: ProjectRecord) -> str:
    """The one string that stands for all micro-models of a project in Label Studio.

    Push mode: the backend's title, constant, so that Label Studio's score column, ordering and uncertainty sampling
    work and it does not ask again for what we pushed. Pull mode: rises with each promotion, so that it does ask again.
    """
    title = str(project.settings.get("title") or services.settings.title)
    return title if services.studio(project) else f"{title}#{project.generation}"


def rule_of(services: Services, project: ProjectRecord) -> GroupRule:
    """How the project's tasks are grouped."""
    try:
        config = services.config(project)
        attribute, videos = config.group_by, any(c.media is Media.VIDEO for c in config.controls)
    except LabelingConfigError:
        attribute, videos = None, False
    extra = project.settings.get("extra_params", {})
    return choose_rule(attribute, extra, services.settings.group_by, videos)


def record(
    services: Services,
    project: ProjectRecord,
    tasks: Iterable[events.TaskData],
    labels: Iterable[events.Annotation],
    seen_at: float | None = None,
) -> set[str]:
    """Store tasks and annotations as Label Studio tells of them; returns the groups whose labels changed.

    `seen_at` is for who has just asked Label Studio instead of hearing of an event.
    """
    rule, settings = rule_of(services, project), services.settings
    due_at = services.clock() + settings.quiet_seconds
    rows = defaultdict[str, list[TaskRecord]](list)
    words_of: dict[int, str] = {}
    for task in tasks:
        group, words = group_of(task.id, task.data, rule)
        words = f"{words}; {ordered_by(task.data)}"
        rows[words].append(TaskRecord(task.id, project.id, group, dict(task.data)))
        words_of[task.id] = words
    results = defaultdict[str, list[LabelRecord]](list)
    for a in labels:
        record = LabelRecord(a.id, project.id, a.task, a.result, a.skipped, a.updated_at, a.details)
        results[words_of.get(a.task, str(rule))].append(record)
    changed: set[str] = set()
    for words in {**rows, **results}:
        changed |= services.registry.record_event(
            project.id, rows[words], results[words], words, due_at, patience=settings.patience_seconds, seen_at=seen_at
        )
    return changed


def current_versions(
    services: Services, project: ProjectRecord, group: str
) -> list[tuple[Control, VersionRecord, ArtifactRef]]:
    """The group's serving versions that fit the labeling config as it is now, in the order in which they must predict."""
    try:
        controls = services.config(project).controls
    except LabelingConfigError as error:
        log.warning("labeling config not usable", project=project.id, why=str(error))
        return []
    serving = services.registry.versions.serving(project.id, group)
    found = [(c, serving[c.from_name]) for c in in_dependency_order(controls) if c.from_name in serving]
    return [(c, v, v.artifact) for c, v in found if v.artifact and v.fingerprint == control_fingerprint(c)]


def parse_extra_params(value: Any) -> dict[str, Any]:
    """Label Studio's extra params: JSON text or an object; anything else counts as none."""
    if isinstance(value, str):
        try:
            value = json_text.parse(value.encode())
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}
