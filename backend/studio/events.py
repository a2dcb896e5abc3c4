"""Label Studio's webhook payloads, and the tasks of its API, as plain values.

Webhooks come twice, late, out of order, or in shapes that another version invented: parsing never raises.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend.errors import StudioError
from backend.studio import project_key

DETAILS = ("completed_by", "parent_prediction", "parent_annotation", "ground_truth", "lead_time", "created_at")
"""What is kept of an annotation beside its result: who, from which prediction, how long it took."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One submitted annotation."""

    id: int
    task: int
    result: list[dict[str, Any]]
    skipped: bool
    updated_at: float
    """Unix seconds, Label Studio's clock."""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskData:
    """One task and its data fields."""

    id: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelsChanged:
    """Annotations were submitted, skipped or updated."""

    project: int
    config: str
    labels: tuple[Annotation, ...]
    tasks: tuple[TaskData, ...]


@dataclass(frozen=True, slots=True)
class LabelsDeleted:
    """Annotations were deleted."""

    project: int
    config: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TasksCreated:
    """Tasks were imported, perhaps with annotations that the event leaves out."""

    project: int
    config: str
    tasks: tuple[TaskData, ...]


@dataclass(frozen=True, slots=True)
class TasksDeleted:
    """Tasks were deleted, and their annotations with them."""

    project: int
    config: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ConfigChanged:
    """The project's settings, perhaps its labeling config, were saved."""

    project: int
    config: str


@dataclass(frozen=True, slots=True)
class TrainingRequested:
    """'Start training' was pressed, or the automatic training toggle asks for it."""

    project: int
    config: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for us."""

    action: str
    why: str


ProjectEvent = LabelsChanged | LabelsDeleted | TasksCreated | TasksDeleted | ConfigChanged | TrainingRequested
Event = ProjectEvent | Ignored


def parse(payload: object) -> Event:
    """The event that a webhook body stands for; Ignored for whatever it may be else."""
    if not isinstance(payload, Mapping):
        return Ignored("", f"the body is {type(payload).__name__}, expected an object with `action`")
    action = payload.get("action")
    if not isinstance(action, str):
        return Ignored("", f"`action` is {action!r}, expected a name")
    row = payload.get("project")
    row = row if isinstance(row, Mapping) else {"id": row}
    try:
        project = project_key.parse(row.get("id"))
    except StudioError as error:
        return Ignored(action, str(error))
    config = row.get("label_config")
    return _event(action, project, config if isinstance(config, str) else "", payload)


def _event(action: str, project: int, config: str, payload: Mapping[Any, Any]) -> Event:
    match action:
        case "ANNOTATION_CREATED" | "ANNOTATION_UPDATED" | "ANNOTATIONS_CREATED" | "ANNOTATIONS_UPDATED":
            return _labels_changed(action, project, config, payload)
        case "ANNOTATION_DELETED" | "ANNOTATIONS_DELETED":
            ids = _ids(_rows(payload, "annotations", "annotation"))
            return LabelsDeleted(project, config, ids) if ids else Ignored(action, "no annotation id in it")
        case "TASK_CREATED" | "TASKS_CREATED":
            tasks = _tasks(_rows(payload, "tasks", "task"))
            return TasksCreated(project, config, tasks) if tasks else Ignored(action, "no task with an id in it")
        case "TASK_DELETED" | "TASKS_DELETED":
            ids = _ids(_rows(payload, "tasks", "task"))
            return TasksDeleted(project, config, ids) if ids else Ignored(action, "no task id in it")
        case "PROJECT_UPDATED":
            return ConfigChanged(project, config)
        case "START_TRAINING":
            return TrainingRequested(project, config)
    return Ignored(action, "not an event that changes labels, tasks or the labeling config")


def _labels_changed(action: str, project: int, config: str, payload: Mapping[Any, Any]) -> Event:
    tasks = _tasks(_rows(payload, "task", "tasks"))
    only_task = tasks[0].id if len(tasks) == 1 else None
    rows = _rows(payload, "annotation", "annotations")
    labels = tuple(label for row in rows if (label := annotation(row, only_task)) is not None)
    if not labels:
        return Ignored(action, "no submitted annotation with an id, a task and a time in it")
    return LabelsChanged(project, config, labels, tasks)


def annotation(row: object, task: int | None = None) -> Annotation | None:
    """One annotation of a webhook or of the API; None for a draft and for anything that is not one."""
    if not isinstance(row, Mapping) or row.get("draft") is True:
        return None
    # The API gives `result: null` or leaves it out for annotations without regions, as skipped ones are.
    result = row.get("result") or []
    id_, task = _id(row.get("id")), _id(row.get("task")) or task
    updated = _seconds(row.get("updated_at")) or _seconds(row.get("created_at"))
    if id_ is None or task is None or updated is None or not isinstance(result, list):
        return None
    details = {key: row[key] for key in DETAILS if row.get(key) is not None}
    author = details.get("completed_by")
    if isinstance(author, Mapping):
        details["completed_by"] = author.get("id")
    regions = [dict(region) for region in result if isinstance(region, Mapping)]
    return Annotation(id_, task, regions, row.get("was_cancelled") is True, updated, details)


def created_at(details: Mapping[str, Any]) -> float | None:
    """When the annotation with these details was first submitted, or the project with this row made, Unix seconds; None
    where it does not say."""
    return _seconds(details.get("created_at"))


def annotations_of(task: Mapping[str, Any]) -> tuple[Annotation, ...]:
    """The submitted and skipped annotations of a task as the API, or /predict, gives it."""
    rows = task.get("annotations")
    rows = rows if isinstance(rows, list) else []
    return tuple(label for row in rows if (label := annotation(row, _id(task.get("id")))) is not None)


def task_of(row: object) -> TaskData | None:
    """The id and data of a task as webhooks, the API or /predict give it; None for anything else."""
    if not isinstance(row, Mapping):
        return None
    id_, data = _id(row.get("id")), row.get("data")
    if id_ is None:
        return None
    return TaskData(id_, {str(key): value for key, value in data.items()} if isinstance(data, Mapping) else {})


def _tasks(rows: Iterable[object]) -> tuple[TaskData, ...]:
    """Each task once: the plural events repeat it for each of its annotations."""
    return tuple({task.id: task for row in rows if (task := task_of(row)) is not None}.values())


def _rows(payload: Mapping[Any, Any], *keys: str) -> list[Any]:
    """What is under the first key that is there: a list, or one thing (the plural events keep the singular key)."""
    for key in keys:
        value = payload.get(key)
        if isinstance(value, list):
            return value
        if value is not None:
            return [value]
    return []


def _ids(rows: Iterable[object]) -> tuple[int, ...]:
    """Ids out of `{"id": 1}` or plain `1`, each once, in order."""
    found = (_id(row.get("id") if isinstance(row, Mapping) else row) for row in rows)
    return tuple(dict.fromkeys(id_ for id_ in found if id_ is not None))


def _id(value: object) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= project_key.LARGEST_ID
    return value if known else None  # type: ignore[return-value]


def _seconds(value: object) -> float | None:
    """Unix seconds of an ISO 8601 time, UTC where it names no zone."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
