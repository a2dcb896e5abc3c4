"""Groups of one whole video each: what people call them."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from backend.loop.data.grouping import EACH_VIDEO
from backend.loop.data.video_frames import name_of
from backend.loop.services import Services
from backend.studio.media import is_inline
from backend.studio.task_data import value_at
from model_registry import GroupRecord, ProjectRecord


def titles(services: Services, project: ProjectRecord, groups: Iterable[GroupRecord]) -> dict[str, str]:
    """{name of a group that is one video: its file's name, with the task's number}; other groups are left out."""
    alone = [group.name for group in groups if group.rule.startswith(EACH_VIDEO)]
    field = services.video_field(project) if alone else None
    if field is None:
        return {}
    tasks = services.registry.tasks.first_of_groups(project.id, alone)
    files = {name: file_name(value_at(task.data, field), task.id) for name, task in tasks.items()}
    return {name: f"{file} ({name})" for name, file in files.items() if file}


def file_name(url: object, task: int) -> str:
    """The name of a media file as its address tells it, such as `clip 1.mp4`; empty where it tells none. Pure."""
    if not isinstance(url, str) or is_inline(url):
        return ""
    try:
        path = name_of(url, task) if "?d=" in url else urlsplit(url).path
    except ValueError:
        path = url
    return PurePosixPath(unquote(path).rstrip("/")).name
