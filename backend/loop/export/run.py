"""Taking out what a project's people labelled and its micro-models predicted, as a data set of a format."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from backend import datasets
from backend.datasets import Item, Names, Planned, Step, format_of, split, write
from backend.datasets.format import Format
from backend.errors import DataSetError, RegistryError
from backend.loop.data.grouping import order_of
from backend.loop.data.known import known
from backend.loop.data.video_frames import Clips, name_of
from backend.loop.export import label_studio
from backend.loop.export.image_items import ImageItems
from backend.loop.export.reading import ObjectReader
from backend.loop.export.sources import Source, VersionNames, sources
from backend.loop.export.video_items import VideoItems
from backend.loop.export.wanted import ExportRequest
from backend.loop.services import Services
from backend.studio.media import is_inline
from backend.studio.task_data import value_at
from backend.types import Control, Head, Media
from model_registry import GroupRecord, ProjectRecord, TaskRecord

FORMATS = {**{name: one.words for name, one in datasets.FORMATS.items()}, label_studio.NAME: label_studio.WORDS}
"""What a project can be written as: name to words."""
WHOLE_SIDE = 1 << 20
"""Longest side of a frame, pixels: none is shrunk, labels are of the original."""


@dataclass(frozen=True, slots=True)
class Export:
    """An export that can be done: everything that may be wrong with what is wanted was found before."""

    frames: int
    """How many there are at most; of whole videos, which are many frames each, the videos."""
    steps: Iterator[Step]


def export(services: Services, wanted: ExportRequest, out: Path, remark: Callable[[str], None]) -> Export:
    """Write a project's frames into a folder, a step at a time; `remark` is told in words what was left out.

    Frames are those that people labelled, and by `wanted.predictions` others. The same export again writes only what is
    new. Raises RegistryError, LabelingConfigError, DataSetError before anything is written.
    """
    wanted.check()
    project = known(services, wanted.project)
    groups = _groups(services, wanted)
    frames = sum(group.labelled if wanted.least is None else group.tasks for group in groups)
    if wanted.format == label_studio.NAME:
        return Export(frames, label_studio.write(services, groups, wanted.least, out))
    format_ = _format(wanted.format)
    controls = services.config(project).require()
    names = names_of(controls)
    format_.require(names)
    plan = _Plan(services, project, controls, wanted, remark)
    splits = split({group.name: group.tasks for group in groups}, wanted.val)
    head = {"project": project.id, "group": wanted.group, "held out": wanted.val, "one frame in": wanted.every}
    steps = write(format_, out, plan.frames(groups, splits), names, plan.splits, head, remark, _link)
    return Export(frames, steps)


def _link(items: Iterable[Item]) -> Mapping[tuple[str, str], Sequence[int]]:
    from backend.loop.export.linking import link  # scipy: not before a format of tracks needs it

    return link(items)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise DataSetError(f"There is no format {name!r}. Expected one of: {', '.join(FORMATS)}.")
    return format_of(name)


def names_of(controls: Sequence[Control]) -> Names:
    """The vocabulary of a labeling config, in its order. Pure."""
    drawn = [c for c in controls if c.head in (Head.DETECTION, Head.SEGMENTATION)]
    of_frames = [c for c in controls if c.head is Head.CLASSIFICATION and not c.attribute_of]
    return Names(
        tuple(dict.fromkeys(label for c in drawn for label in c.labels)),
        tuple(dict.fromkeys(label for c in controls if c.head is Head.POSE for label in c.labels)),
        tuple(dict.fromkeys(label for c in of_frames for label in c.labels)),
    )


def _groups(services: Services, wanted: ExportRequest) -> list[GroupRecord]:
    groups = sorted((g for g in services.registry.groups.all(wanted.project) if g.tasks), key=lambda g: g.name)
    if wanted.group is None:
        return groups
    if found := [group for group in groups if group.name == wanted.group]:
        return found
    there = ", ".join(repr(group.name) for group in groups[:20]) or "none"
    raise RegistryError(f"Project {wanted.project} has no group {wanted.group!r}. Expected one of: {there}.")


class _Plan:
    """The frames of a project, planned group by group."""

    def __init__(
        self,
        services: Services,
        project: ProjectRecord,
        controls: Sequence[Control],
        wanted: ExportRequest,
        remark: Callable[[str], None],
    ) -> None:
        self._services, self._wanted, self._controls = services, wanted, controls
        media = services.media(project)
        self._stamp = media.stamp
        reader = ObjectReader(controls, VersionNames(services), remark)
        self._fields = {c.media: c.media_field for c in controls}
        clips = Clips(media, lambda _, read: read(), WHOLE_SIDE)
        self._images = ImageItems(reader, media, self._fields.get(Media.IMAGE, ""))
        self._videos = VideoItems(reader, clips, wanted.every, wanted.predictions != "none")
        self.splits = dict[str, str]()
        """{group of frames: its part}, as far as it was gone through."""

    def frames(self, groups: Sequence[GroupRecord], splits: Mapping[str, str]) -> Iterator[Planned]:
        for group in groups:
            tasks = sorted(
                self._services.registry.tasks.of_group(group.project, group.name),
                key=lambda t: (order_of(t.data) is None, order_of(t.data) or 0.0, t.id),
            )
            names = frame_names(tasks, self._fields.get(Media.IMAGE, ""))
            places = {task.id: place for place, task in enumerate(tasks)}
            for source in sources(self._services, tasks, self._wanted.least):
                mine = source.task.id
                if Media.IMAGE in self._fields:
                    self.splits[group.name] = splits[group.name]
                    make = partial(self._images.make, source, names[mine], places[mine])
                    yield Planned(group.name, names[mine], make, self._stamped(source))
                else:
                    name = group.name if len(tasks) == 1 else f"{group.name}, task {mine}"
                    self.splits[name] = splits[group.name]
                    yield from self._videos.plan(source, name)

    def _stamped(self, source: Source) -> str:
        url = value_at(source.task.data, self._fields[Media.IMAGE])
        return f"{source.stamp}, {self._stamp(url) if isinstance(url, str) else ''}, {len(self._controls)}"


def frame_names(tasks: Sequence[TaskRecord], field: str) -> dict[int, str]:
    """{task: the name of its frame}: that of its file, with the task's number where another of the group has it too. Pure."""
    found = {task.id: _file_name(value_at(task.data, field), task.id) for task in tasks}
    # More than once: `a-7` may be a file's name, too.
    while len(often := Counter(name.casefold() for name in found.values())) < len(found):
        found = {id_: name if often[name.casefold()] == 1 else f"{name}-{id_}" for id_, name in found.items()}
    return found


def _file_name(url: object, task: int) -> str:
    if not isinstance(url, str) or is_inline(url):
        return f"task {task}"
    try:
        path = urlsplit(url).path
    except ValueError:
        path = url
    name = name_of(url, task) if "?d=" in url else path
    return PurePosixPath(unquote(name).rstrip("/")).stem or f"task {task}"
