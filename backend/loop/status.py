"""What is going on in a project, as dashboard, command line and the acceptance runner read it."""

from collections.abc import Mapping
from typing import Any

from backend.errors import LabelingConfigError
from backend.loop.common import Baseline, baselines, named, parents, proposed_by
from backend.loop.efficiency import Efficiency, project_efficiency
from backend.loop.services import Services
from backend.loop.vanished import absence
from model_registry import GroupRecord, ProjectRecord, VersionRecord


def project_status(services: Services, project_id: int) -> dict[str, Any]:
    """State of a project: `{"project", "problem", "unsupported", "gone_since", "parent", "groups": [...]}`; `parent` is the
    version of the one network over all labelled groups, `gone_since` is set where Label Studio has no such project.

    A group is `idle` with `trained_labels` equal to its submitted annotations when all of them were learnt and the
    predictions are in Label Studio.
    """
    project = services.registry.projects.get(project_id)
    if project is None:
        return {"project": project_id, "problem": "not connected: run `micro-models connect`", "groups": []}
    problem, unsupported = _config_problem(services, project)
    problem = " ".join(absence(project) or ()) or problem
    groups = [group for group in services.registry.groups.all(project_id) if group.tasks]
    efficiency = project_efficiency(services, groups)
    together = parents(services, project_id)
    baseline = baselines(together)
    return {
        "project": project_id,
        "problem": problem,
        "unsupported": unsupported,
        "model_version": project.settings.get("title", services.settings.title),
        "synced_at": project.synced_at,
        "gone_since": project.gone_since,
        "parent": ", ".join(_name(v, len(together) > 1) for v in together) or None,
        "groups": [
            group_status(services, group, efficiency[group.name]) | _of_others(services, group, baseline)
            for group in groups
        ],
    }


def group_status(services: Services, group: GroupRecord, efficiency: Efficiency) -> dict[str, Any]:
    """State of one group; times in seconds, shares in [0, 1]; actions and what is left as `loop.efficiency` counts."""
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
        "start": ", ".join(dict.fromkeys(v.start for v in serving.values())) or None,
        "progress": group.progress,
        "seconds_left": group.seconds_left,
        "score": _honest_score(list(serving.values())),
        "reason": group.reason,
        "pinned": sorted(services.registry.versions.pins(group.project, group.name)),
        "actions": efficiency.actions,
        "efficiency": efficiency.efficiency,
        "expected_left": efficiency.expected_actions_left,
        "advice": efficiency.advice,
    }


def _of_others(services: Services, group: GroupRecord, baseline: Mapping[str, Baseline]) -> dict[str, Any]:
    """What a group has of the others: how "one model for the whole project" does in it, and who proposes where it has no
    label yet."""
    one = baseline.get(group.name)
    return {
        "project_score": one.score if one else None,
        "project_score_honest": one.honest if one else None,
        "proposed_by": ", ".join(dict.fromkeys(named(v) for v in proposed_by(services, group))) or None,
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
