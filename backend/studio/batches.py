"""Events in portions for the registry: neighbours of one kind joined, large ones parted. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from backend.studio.events import (
    ConfigChanged,
    Event,
    LabelsChanged,
    LabelsDeleted,
    TaskData,
    TasksCreated,
    TasksDeleted,
    TrainingRequested,
)

T = TypeVar("T")


def batches(events: Iterable[Event], most: int) -> list[Event]:
    """The same changes as those of the events, which are of one project, in fewer and bounded events, in their order.

    None has more than `most` labels, tasks or ids.
    """
    found: list[Event] = []
    for event in events:
        for part in _parts(event, most):
            joined = _joined(found[-1], part) if found else None
            if joined is not None and _size(joined) <= most:
                found[-1] = joined
            else:
                found.append(part)
    return found


def _joined(first: Event, second: Event) -> Event | None:
    """One event for two neighbours; None where they are of different kinds, or of different labeling configs."""
    match first, second:
        case (LabelsChanged(), LabelsChanged()) if first.config == second.config:
            tasks = _newest(first.tasks + second.tasks)
            return replace(second, labels=first.labels + second.labels, tasks=tasks)
        case (TasksCreated(), TasksCreated()) if first.config == second.config:
            return replace(second, tasks=_newest(first.tasks + second.tasks))
        case (LabelsDeleted(), LabelsDeleted()) if first.config == second.config:
            return replace(second, ids=first.ids + second.ids)
        case (TasksDeleted(), TasksDeleted()):
            return replace(second, ids=first.ids + second.ids)
        case (ConfigChanged() | TrainingRequested(), _) if first == second:
            return second
    return None


def _parts(event: Event, most: int) -> Iterator[Event]:
    """The event in parts: labels with their tasks, tasks, ids."""
    if _size(event) <= most:
        yield event
        return
    match event:
        case LabelsChanged(tasks=tasks, labels=labels):
            of_label = {label.task for label in labels}
            for some in _cut(labels, most):
                theirs = {label.task for label in some}
                yield replace(event, labels=some, tasks=tuple(task for task in tasks if task.id in theirs))
            for others in _cut(tuple(task for task in tasks if task.id not in of_label), most):
                yield replace(event, labels=(), tasks=others)
        case TasksCreated(tasks=tasks):
            yield from (replace(event, tasks=some) for some in _cut(tasks, most))
        case LabelsDeleted(ids=ids) | TasksDeleted(ids=ids):
            yield from (replace(event, ids=some) for some in _cut(ids, most))


def _size(event: Event) -> int:
    match event:
        case LabelsChanged(tasks=tasks, labels=labels):
            return max(len(tasks), len(labels))
        case TasksCreated(tasks=tasks):
            return len(tasks)
        case LabelsDeleted(ids=ids) | TasksDeleted(ids=ids):
            return len(ids)
    return 0


def _newest(tasks: tuple[TaskData, ...]) -> tuple[TaskData, ...]:
    """Each task once, as it was told last."""
    return tuple({task.id: task for task in tasks}.values())


def _cut(items: tuple[T, ...], most: int) -> list[tuple[T, ...]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
