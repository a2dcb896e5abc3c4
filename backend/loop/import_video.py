"""Bringing a video into a project as one group of frame tasks, or where the settings say so as one for each of its shots."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backend.errors import ImportRefused, LabelingConfigError
from backend.loop.connect import reached
from backend.loop.data.grouping import WELL_KNOWN
from backend.loop.data.projects import rule_of
from backend.loop.services import Services
from backend.objects.cuts import cuts
from backend.studio.client import Studio
from backend.studio.labeling_config import LabelingConfig
from backend.studio.video import require_picture, write_frames
from backend.types import Media
from model_registry import ProjectRecord

SOURCE = "micro_models_video"
"""Key in a task's meta: SHA-256 of the video file that its frame was cut from."""
Shot = tuple[int, int | None]
"""(first, end) frame from 0, the end exclusive; None: to the end of the video."""
MOST_NAMESAKES = 100
"""Other videos of one name that a project may have."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made."""

    group: str
    tasks: int
    remarks: tuple[str, ...] = ()
    """What a person should know of it."""


def import_video(
    services: Services,
    project: int,
    video: Path,
    name: str | None,
    every: int,
    again: bool = False,
    told: Callable[[str, int, int | None], None] = lambda what, done, of: None,
) -> Imported:
    """Cut, upload and import a video, with its own name or `name` as the group's.

    A task's data are the media field that the labeling config names, the field that names the group, and `frame`. With the
    setting `shots` each shot of a video with cuts is a group of its own: a scene that looks otherwise learns by itself.
    Another video of the same name becomes a group beside it; the same video, or a given name that is taken, is refused
    unless `again`. `told` hears how far it is. Raises ImportRefused, LabelingConfigError, MediaError, StudioError;
    nothing is imported then.
    """
    record = services.registry.projects.get(project) or ProjectRecord(project)
    access, row = reached(services, record)
    studio = services.connect_studio(access.url, access.key)
    config = services.parse_config(row["label_config"])
    media = _image_field(config, project)
    where = _group_field(services, ProjectRecord(project, row["label_config"], record.settings), media)
    require_picture(video)
    source = _digest(video)
    group, remarks = name or video.name, list[str]()
    if not again:
        group, remarks = _free_name(studio, project, where, group, source, own=name is None)
    with TemporaryDirectory(prefix="micro-models-") as folder:
        frames = write_frames(video, Path(folder), every, partial(told, f"Cutting {video.name}"))
        shots = cuts(video) if services.settings.shots else []  # before anything is uploaded: it may raise
        urls = studio.upload(project, list(frames.values()), partial(told, "Uploading frames"))
        numbered = zip(frames, urls, strict=True)
        rows = [_nested({media: url, where: _group_at(n, group, shots), "frame": n}) for n, url in numbered]
        made = len(studio.create_tasks(project, rows, {SOURCE: source}))
    if len(frames) == 1:
        remarks.append(f"It is a single frame: {video.name} has no more with --every {every}. Five or more are needed.")
    remarks += _remark_of_shots(group, shots)
    return Imported(group, made, tuple(remarks))


def _remark_of_shots(name: str, shots: Sequence[Shot]) -> list[str]:
    first = _of_shot(name, 1)
    several = f"It has {len(shots)} shots, each a group of its own: {name!r} is {first!r} and so on."
    return [several] if len(shots) > 1 else []


def _group_at(frame: int, name: str, shots: Sequence[Shot]) -> str:
    """The group of a frame: the video's, or of a video of several shots that of its shot."""
    if len(shots) < 2:
        return name
    return _of_shot(name, sum(first <= frame for first, _ in shots))


def _of_shot(name: str, number: int) -> str:
    return f"{name}, shot {number}"


def _image_field(config: LabelingConfig, project: int) -> str:
    """The data field of the config's image; raises ImportRefused where a whole video is one task."""
    fields = {control.media: control.media_field for control in config.require()}
    if Media.IMAGE in fields:
        return fields[Media.IMAGE]
    raise ImportRefused(
        f"Project {project} labels whole videos: a video is one task there, not one task a frame. Upload the file itself in "
        "Label Studio (Import), or make a project with an <Image> in its labeling config for frames."
    )


def _group_field(services: Services, project: ProjectRecord, media: str) -> str:
    """The data field that names the group; never the one with the picture."""
    try:
        chosen = rule_of(services, project).field
    except LabelingConfigError:
        chosen = None
    if chosen is not None and chosen == media:
        raise ImportRefused(
            f"Project {project.id} is grouped by {chosen!r}, which is the field of its picture: each frame would be a "
            "group of its own. Name another field: model_group_by in the labeling config, or `connect --group-by`."
        )
    return chosen or next(field for field in WELL_KNOWN if field != media.partition(".")[0])


def _free_name(studio: Studio, project: int, field: str, name: str, source: str, own: bool) -> tuple[str, list[str]]:
    """A name that no other video has in the project, and what to say of it."""
    taken = _sources(studio, project, field, name)
    if not taken:
        return name, []
    if source in taken or None in taken or not own:
        raise ImportRefused(
            f"Project {project} has a group {name!r} already. Importing it again would make each frame twice: give "
            "another name with --name, or --again to add to that group all the same."
        )
    for number in range(2, MOST_NAMESAKES):
        other = f"{name} ({number})"
        there = _sources(studio, project, field, other)
        if source in there:
            raise ImportRefused(f"Project {project} has this video already, as group {other!r}. --again adds to it.")
        if not there:
            return other, [f"Another video is named {name!r} in this project; this one is {other!r}."]
    raise ImportRefused(f"Project {project} has {MOST_NAMESAKES} videos named {name!r}: give a name with --name.")


def _sources(studio: Studio, project: int, field: str, group: str) -> set[str | None]:
    """The videos that a group's frames were cut from; None stands for frames of which that is not known."""
    either = (*studio.metas(project, field, group), *studio.metas(project, field, _of_shot(group, 1)))
    return {meta.get(SOURCE) for meta in either}


def _nested(fields: dict[str, Any]) -> dict[str, Any]:
    """Task data of these fields; `a.b`, as in `value="$a.b"`, is b in a."""
    data: dict[str, Any] = {}
    for path, value in fields.items():
        *outer, last = path.split(".")
        place = data
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = value
    return data


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
