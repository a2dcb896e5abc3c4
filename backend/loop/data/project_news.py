"""What the groups of a project have of each other: news for all, and, for people to see, who stands behind what."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from backend.errors import LeaseLost, RegistryError, TrainingInterrupted, in_words
from backend.loop.data.embeddings import is_wanted
from backend.loop.services import Services
from backend.types import Start
from model_registry import GroupKind, GroupRecord, VersionRecord

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Baseline:
    """How "one model for the whole project", the project model, does in one group."""

    score: float
    held_out: bool
    """On labels that it had never seen; else on those that it learnt."""
    frames: int


def enqueue_project_jobs(services: Services, project: int) -> None:
    """There is news for the project as a whole: a version, tasks that others may be good for, or frames to embed."""
    record = services.registry.projects.get(project)
    embeds = record is not None and is_wanted(services, record)  # for the very first prompt, in a single group too
    if record is None or not (record.generation or embeds):
        return
    if group := services.registry.groups.request_project_jobs(project, least=1 if embeds else 2):
        services.queue.enqueue_group(project, group.name)


def project_models(services: Services, project: int) -> list[VersionRecord]:
    """The project's project_models that serve, one for each control."""
    return list(services.registry.versions.project_models(project).values())


def baselines(of: Sequence[VersionRecord]) -> dict[str, Baseline]:
    """{group: how the project's project_models do there}; of the weakest control, as a group's own score is."""
    found: dict[str, Baseline] = {}
    for name in {name for model in of for name in model.metrics.get("groups", {})}:
        known = [one for model in of if (one := _baseline(model.metrics["groups"].get(name) or {}))]
        if known:
            found[name] = min(known, key=lambda one: one.score)
    return found


def proposed_by(services: Services, group: GroupRecord) -> list[VersionRecord]:
    """The versions of other groups that made what Label Studio shows for a group without a label; none where none did."""
    if group.labelled or group.doubt is None:
        return []
    shown, _ = services.registry.listing.unlabelled(group.project, group.name, limit=1)
    ids = [id_ for _, entry in shown for id_ in entry.versions.values()]
    found = [services.registry.versions.get(id_) for id_ in ids]
    return [version for version in found if version is not None and version.group != group.name]


def named(version: VersionRecord) -> str:
    """A version of another group, as people know it."""
    who = "the project model" if version.kind is GroupKind.PROJECT else version.group
    return f"{who} v{version.number}"


def started_from(version: VersionRecord, previous: VersionRecord | None) -> str:
    """What a version's training started from, in words: the kind of start, and which version (`previous`) that was."""
    if previous is None:
        return version.start
    if (version.project, version.group) == (previous.project, previous.group):
        return f"{version.start} v{previous.number}" if version.start == Start.SERVING else version.start
    return f"{version.start}: {named(previous)}"


def break_off(services: Services, version: VersionRecord, owner: str, error: BaseException) -> None:
    """End a version in training: interrupted where it was given up or cut off, failed where something is wrong.

    What cannot be noted now, since the registry is away or the group another worker's, is when the group is taken next.
    """
    versions = services.registry.versions
    given_up = isinstance(error, TrainingInterrupted | LeaseLost) or not isinstance(error, Exception)
    try:
        (versions.interrupt if given_up else versions.fail)(version.id, owner, in_words(error))
    except RegistryError as why:
        log.info("the version's end is noted later", project=version.project, group=version.group, why=str(why))


def _baseline(scores: dict[str, dict[str, object] | None]) -> Baseline | None:
    for of, held_out in (("unseen", True), ("labelled", False)):
        quality = scores.get(of) or {}
        score, frames = quality.get("score"), quality.get("frames")
        if isinstance(score, int | float) and isinstance(frames, int):
            return Baseline(float(score), held_out, frames)
    return None
