"""Media check before anybody labels: whether a project's pictures can be had from here; one of each sort is fetched."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from backend.errors import LabelingConfigError, MediaError, StudioError
from backend.loop.services import Services
from backend.studio.checks import SAMPLE, Check
from backend.studio.client import Studio
from backend.studio.task_data import value_at
from backend.types import Media
from model_registry import ProjectRecord

NAME = "media"


def media_check(services: Services, studio: Studio, project: ProjectRecord, config: str) -> Check | None:
    """What comes of fetching a picture of each sort among the first tasks; None where there is nothing to fetch.

    Of a whole video it is only asked whether its host may be asked at all: fetching one may take minutes.
    """
    try:
        fields = {c.media_field: c.media for c in services.parse_config(config).controls}
        tasks = list(islice(studio.tasks(project.id, page_size=SAMPLE), SAMPLE))
    except LabelingConfigError:
        return None
    except StudioError as error:
        return Check(NAME, False, str(error), "Check that the API key's user may read the project's tasks.")
    media = services.media(project)
    found = one_of_each_sort(tasks, fields)
    for url, task, kind in found:
        try:
            if kind is Media.VIDEO:
                media.require_allowed(url, task)
            else:
                media.path(url, task)
        except (MediaError, StudioError) as error:
            what, _, fix = str(error).partition(". ")
            return Check(NAME, False, f"task {task}: {what}", fix or "See whether the picture shows in Label Studio.")
    if not found:
        return None
    return Check(NAME, True, f"can be fetched: one from each place among the first {len(tasks)} tasks was tried")


def one_of_each_sort(tasks: Iterable[Mapping[str, Any]], fields: Mapping[str, Media]) -> list[tuple[str, int, Media]]:
    """(address, task, kind) of the first media from each place: a host, a storage, a folder of Label Studio's. Pure."""
    first: dict[tuple[str, ...], tuple[str, int, Media]] = {}
    for task in tasks:
        for field, kind in fields.items():
            url = value_at(task.get("data") or {}, field)
            if isinstance(url, str) and url and not url.startswith("data:"):
                first.setdefault((field, *_place(url)), (url, int(task["id"]), kind))
    return list(first.values())


def _place(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    return (parts.scheme, parts.netloc) if parts.netloc else ("", *parts.path.split("/")[:3])
