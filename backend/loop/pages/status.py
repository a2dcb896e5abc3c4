"""What is going on in a project, as dashboard, command line and the acceptance runner read it."""

from collections.abc import Mapping
from typing import Any

import structlog

from backend.errors import LabelingConfigError, in_words
from backend.loop.data import standing
from backend.loop.data.project_news import Baseline, baselines, named, project_models, proposed_by
from backend.loop.data.vanished import absence
from backend.loop.data.whole_videos import titles
from backend.loop.review.difficulty import difficulty
from backend.loop.review.efficiency import Efficiency, project_efficiency
from backend.loop.services import Services
from backend.loop.train import restart_policy
from backend.loop.worker.health import worker_problem
from model_registry import GroupRecord, ProjectRecord, Space, VersionRecord

OF_VERSIONS = (
    "version",
    "start",
    "score",
    "measure",
    "pinned",
    "project_score",
    "project_score_held_out",
    "proposed_by",
    "difficulty",
)
LATEST = 20
"""Versions of a group that are looked at: each knows all the frames that it learnt, and there may be hundreds."""
NO_VERSION: dict[str, Any] = dict.fromkeys(OF_VERSIONS) | {"pinned": []}
"""What is said of the versions of a group that has none."""

log = structlog.get_logger(__name__)


def project_status(services: Services, project_id: int) -> dict[str, Any]:
    """State of a project: `{"project", "problem", "worker_problem", "remark", "stopped", "unsupported", "gone_since",
    "project_model", "refused", "groups": [...]}`; `worker_problem` says that no worker lives, `gone_since` is set where Label
    Studio has no such project, `refused` is the number of events that could not be recorded.

    `project_model` is the version of the one network over all labelled groups. A group is `idle` with `trained_labels` equal to
    its submitted annotations when all of them were learnt and the predictions are in Label Studio.
    """
    project = services.registry.projects.get(project_id)
    if project is None:
        unknown = f"not connected: run `micro-models connect --project {project_id}`"
        return {"project": project_id, "problem": unknown, "worker_problem": worker_problem(services), "groups": []}
    problem, unsupported = _config_problem(services, project)
    if (wrong := absence(project) or standing.alert(project)) is not None:
        problem = " ".join(wrong)
    remark = standing.unprotected(project)
    groups = [group for group in services.registry.groups.all(project_id) if group.tasks]
    called, efficiency = titles(services, project, groups), project_efficiency(services, groups)
    together = project_models(services, project_id)
    baseline = baselines(together)
    return {
        "project": project_id,
        "problem": problem,
        "worker_problem": worker_problem(services),
        "remark": " ".join(remark) if remark else None,
        "stopped": project.stopped,
        "unsupported": unsupported,
        "model_version": project.settings.get("title", services.settings.title),
        "synced_at": project.synced_at,
        "gone_since": project.gone_since,
        "refused": sum(event.project == project_id for event in services.registry.inbox.refused()),
        "weights_bytes": services.registry.retention.space(project_id).get(project_id, Space(0, 0)).nbytes,
        "project_model": ", ".join(_name(v, len(together) > 1) for v in together) or None,
        "title": project.title,
        "groups": [
            {"title": called.get(group.name, group.name)}
            | _safe_status(services, group, efficiency[group.name], baseline)
            for group in groups
        ],
    }


def _safe_status(
    services: Services, group: GroupRecord, efficiency: Efficiency, baseline: Mapping[str, Baseline]
) -> dict[str, Any]:
    """State of one group, and what it has of the others; one whose versions are odd is shown without them."""
    try:
        return group_status(services, group, efficiency) | _of_others(services, group, baseline)
    except Exception as error:
        log.exception("the group cannot be shown", project=group.project, group=group.name)
        reason = f"Its versions cannot be shown: {in_words(error)}"
        return _standing(services, group, efficiency) | NO_VERSION | {"reason": reason}


def group_status(services: Services, group: GroupRecord, efficiency: Efficiency) -> dict[str, Any]:
    """State of one group; times in seconds, shares in [0, 1]; actions and what is left as `loop.efficiency` counts."""
    serving = services.registry.versions.serving(group.project, group.name)
    history = services.registry.versions.history(group.project, group.name, most=LATEST)
    return _standing(services, group, efficiency) | {
        "version": ", ".join(_name(v, len(serving) > 1) for v in serving.values()) or None,
        "start": ", ".join(dict.fromkeys(v.start for v in serving.values())) or None,
        "score": _held_out_score(list(serving.values())),
        "measure": ", ".join(dict.fromkeys(_measure(v) for v in serving.values() if _measure(v))) or None,
        "difficulty": difficulty(history, group.doubt),
        "pinned": sorted(services.registry.versions.pins(group.project, group.name)),
    }


def _standing(services: Services, group: GroupRecord, efficiency: Efficiency) -> dict[str, Any]:
    """What is known of a group without its versions; `next` says in words when its next version is expected."""
    return {
        "next": next_version(services, group),
        "group": group.name,
        "rule": group.rule,
        "state": group.state(services.clock()),
        "tasks": group.tasks,
        "labelled": group.labelled,
        "trained_labels": group.trained_labels,
        "progress": group.progress,
        "seconds_left": group.seconds_left,
        "reason": group.reason,
        "actions": efficiency.actions,
        "efficiency": efficiency.efficiency,
        "expected_left": efficiency.expected_actions_left,
        "advice": efficiency.advice,
    }


def next_version(services: Services, group: GroupRecord) -> str | None:
    """Where the group stands until its next version, in words; None where all its labels are learnt, or none will be."""
    now = services.clock()
    state = group.state(now)
    if state in ("training", "publishing"):
        seconds = group.seconds_left
    elif state == "queued":
        took = [v.seconds for v in services.registry.versions.history(group.project, group.name) if v.seconds]
        seconds = took[0] + max(0.0, (group.due_at or now) - now) if took else None
    else:
        seconds = None
    return _lag_message(services, group, seconds)


def _lag_message(services: Services, group: GroupRecord, seconds: float | None) -> str | None:
    project = services.registry.projects.get(group.project)
    if project is None or services.video_field(project) is None:
        return restart_policy.lag_message(group.trained_labels, group.labelled, seconds)
    if group.wanted == group.trained or not group.labelled:
        return None
    reviews = services.registry.reviews.summaries(group.project, group.name)
    return restart_policy.lag_message_of_video(sum(one.actions for one in reviews), bool(group.trained_labels), seconds)


def _of_others(services: Services, group: GroupRecord, baseline: Mapping[str, Baseline]) -> dict[str, Any]:
    """What a group has of the others: how "one model for the whole project" does in it, and who proposes where it has no
    label yet."""
    one = baseline.get(group.name)
    return {
        "project_score": one.score if one else None,
        "project_score_held_out": one.held_out if one else None,
        "proposed_by": ", ".join(dict.fromkeys(named(v) for v in proposed_by(services, group))) or None,
    }


def _name(version: VersionRecord, several: bool) -> str:
    return f"{version.control} v{version.number}" if several else f"v{version.number}"


def _measure(version: VersionRecord) -> str:
    """What its score counts, in words: it tells as well in which way its labels are learnt."""
    return str((version.metrics.get("labelled") or {}).get("measure") or "")


def _held_out_score(serving: list[VersionRecord]) -> float | None:
    """Of the weakest micro-model: its predecessor's score on frames it had never seen, the last out-of-sample figure."""
    scores = [(v.metrics.get("unseen") or {}).get("score") for v in serving]
    known = [s for s in scores if s is not None]
    return min(known) if known else None


def _config_problem(services: Services, project: ProjectRecord) -> tuple[str | None, list[str]]:
    try:
        config = services.config(project)
        config.require()
    except LabelingConfigError as error:
        return str(error), []
    return None, list(config.unsupported)
