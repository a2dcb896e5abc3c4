"""Several images in one task (`<Image valueList="$images">`): each is a frame of the task's group, named a page here.

A page has a number of its own, from which its task and its place in the list follow; the first page has its task's. So
whatever treats a task as one frame treats each page as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.studio.task_data import value_at
from backend.types import Control
from model_registry import LabelRecord, TaskRecord

NEXT = 1 << 40
"""Between the numbers of two neighbouring pages: more than there are tasks in any Label Studio."""


def number_of(task: int, place: int) -> int:
    """The number of a page: `place` counts from 0."""
    return task + place * NEXT


def task_of(page: int) -> int:
    """The task that a page is in."""
    return page % NEXT


def place_of(page: int) -> int:
    """Where in its task's list a page stands, from 0."""
    return page // NEXT


def in_words(page: int) -> str:
    """For people, who count from 1: `task 7`, or `task 7 (image 2)`."""
    place = place_of(page)
    return f"task {task_of(page)} (image {place + 1})" if place else f"task {page}"


def addresses(data: Mapping[str, Any], field: str) -> list[Any]:
    """What a task holds under a field: the elements of a list, else the one value."""
    value = value_at(data, field)
    return value if isinstance(value, list) and value else [value]


def images_of(data: Mapping[str, Any], control: Control) -> list[Any]:
    """The addresses of the images that a control is drawn on in one task, in their order."""
    field = control.media_field
    return addresses(data, field) if control.value_list else [value_at(data, field)]


def first(task: TaskRecord, field: str) -> TaskRecord:
    """The task with its first image alone, which stands for it where one picture is wanted."""
    return _page(task, field, 0, addresses(task.data, field)[0])


def spread(tasks: Iterable[TaskRecord], control: Control) -> list[TaskRecord]:
    """One record for each image that a control is drawn on."""
    if not control.value_list:
        return list(tasks)
    places = ((task, n, url) for task in tasks for n, url in enumerate(images_of(task.data, control)))
    return [_page(task, control.media_field, n, url) for task, n, url in places]


def result_of(result: Sequence[Mapping[str, Any]], page: int, control: Control) -> list[dict[str, Any]]:
    """The items of a task's result that are on one page, each as on an image that is alone in its task."""
    if not control.value_list:
        return [dict(item) for item in result]
    return [without_index(item) for item in result if (item.get("item_index") or 0) == place_of(page)]


def label_of(label: LabelRecord, page: int, control: Control) -> LabelRecord:
    """What is drawn on one page."""
    return replace(label, task=page, result=result_of(label.result, page, control)) if control.value_list else label


def indexed(items: Sequence[dict[str, Any]], page: int) -> list[dict[str, Any]]:
    """The result items of a page, as the editor wants them."""
    return [{**item, "item_index": place_of(page)} for item in items]


def without_index(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as on an image that is alone in its task."""
    return {key: value for key, value in item.items() if key != "item_index"}


def _page(task: TaskRecord, field: str, place: int, url: Any) -> TaskRecord:
    return replace(task, id=number_of(task.id, place), data={**task.data, field: url})
