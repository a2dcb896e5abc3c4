"""What is going on in a project, as dashboard, command line and the acceptance runner read it."""

from typing import Any

from backend.errors import LabelingConfigError
from backend.loop.services import Services
from model_registry import GroupRecord, ProjectRecord, VersionRecord


def project_status(services: Services, project_id: int) -> dict[str, Any]:
    """State of a project: `{"project", "problem", "unsupported", "groups": [...]}`.

    A group is `idle` with `trained_labels` equal to its submitted annotations when all of them were learnt and the
    predictions are in Label Studio.
    """
    project = services.registry.projects.get(project_id)
    if project is None:
        return {"project": project_id, "problem": "not connected: run `micro-models connect`", "groups": []}
    problem, unsupported = _config_problem(services, project)
    groups = services.registry.groups.all(project_id)
    return {
        "project": project_id,
        "problem": problem,
        "unsupported": unsupported,
        "model_version": project.settings.get("title", services.settings.title),
        "synced_at": project.synced_at,
        "groups": [group_status(services, group) for group in groups if group.tasks],
    }


def group_status(services: Services, group: GroupRecord) -> dict[str, Any]:
    """State of one group; times in seconds, shares in [0, 1]."""
    now = services.clock()
    serving = services.registry.versions.serving(group.project, group.name)
    return {
        "group": group.name,
        "rule": group.rule,
        "state": group.state(now),
        "tasks": group.tasks,
        "labelled": group.labelled,
        "trained_labels": group.trained_labels,
        "version": ", ".join(_name(v, len(serving) > 1) for v in serving.values()) or None,
        "progress": group.progress,
        "seconds_left": group.seconds_left,
        "score": _honest_score(list(serving.values())),
        "reason": group.reason,
    }


def _name(version: VersionRecord, several: bool) -> str:
    return f"{version.control} v{version.number}" if several else f"v{version.number}"


def _honest_score(serving: list[VersionRecord]) -> float | None:
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
