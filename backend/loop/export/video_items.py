"""A task with a whole video as frames of a data set: tracks and ranges, frame by frame."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from backend import types
from backend.datasets import Item, Planned
from backend.datasets.pictures import ArrayPicture
from backend.errors import MediaError
from backend.instances import Instances
from backend.loop.data.video_frames import Clip, Clips
from backend.loop.export.image_items import about
from backend.loop.export.reading import Reader
from backend.loop.export.sources import Source
from backend.studio import regions
from backend.studio.regions.said import attributes_of, scores_of
from backend.types import Control, Head, Instance, Media, Track


@dataclass(frozen=True, slots=True)
class _Followed:
    """One track through the video, and where it comes from."""

    track: Track
    number: int
    origin: str
    version: str
    attributes: dict[str, object]
    is_range: bool


@dataclass(frozen=True, slots=True)
class VideoItems:
    """Plans the frames of whole-video tasks of one project."""

    reader: Reader
    clips: Clips
    every: int

    def plan(self, source: Source, group: str) -> Iterator[Planned]:
        """The frames of one task, in order of time; none, and a remark, where its video cannot be had."""
        controls = [one for one in self.reader.controls if one.media is Media.VIDEO]
        found, problems = self.clips.select([source.task], controls[0])
        for task, why in problems.items():
            self.reader.remark(f"task {task}: {why}")
        for clip in found:
            followed = self._followed(source, controls, clip)
            for frame in range(1, clip.size.frames + 1, self.every):
                name = f"{frame:06d}"
                make = partial(self._item, source, clip, followed, group, name, frame)
                yield Planned(group, name, make, f"{source.stamp}, {frame}")

    def _followed(self, source: Source, controls: Sequence[Control], clip: Clip) -> list[_Followed]:
        scores, attributes = scores_of(source.result) if source.label is None else {}, attributes_of(source.result)
        followed = list[_Followed]()
        for control in controls:
            read = regions.for_video(control).read(source.result, control, clip.size)
            for problem in read.problems:
                self.reader.remark(f"task {source.task.id}: {problem}")
            for track in read.tracks:
                id_ = track.region_id or ""
                origin = source.origin(control.from_name, id_)
                scored = Track(track.label, track.keyframes, scores.get((control.from_name, id_), 1.0), id_)
                version = self.reader.versions.of(source, control.from_name, origin)
                is_range = control.head is Head.CLASSIFICATION
                said = {} if is_range else dict(attributes.get(id_, {}))
                followed.append(_Followed(scored, len(followed) + 1, origin, version, said, is_range))
        return followed

    def _item(
        self, source: Source, clip: Clip, followed: Sequence[_Followed], group: str, name: str, frame: int
    ) -> Item:
        size = clip.size
        seen = [(one, box) for one in followed if (box := one.track.box_at(frame)) is not None]
        objects = _arrays([(one, box) for one, box in seen if not one.is_range])
        classes = _arrays([(one, box) for one, box in seen if one.is_range])
        picture = ArrayPicture(_decoder(clip, frame))
        return Item(
            group, name, size.width, size.height, objects, classes, frame - 1, picture=picture,
            about={**about(source), "rate": size.rate},
        )  # fmt: skip


def _arrays(seen: Sequence[tuple[_Followed, types.Box]]) -> Instances:
    return Instances.of(
        (Instance(one.track.label, box, one.track.score) for one, box in seen),
        track=[-1 if one.is_range else one.number for one, _ in seen],
        origin=[one.origin for one, _ in seen],
        version=[one.version for one, _ in seen],
        attributes=[one.attributes for one, _ in seen],
    )


def _decoder(clip: Clip, frame: int) -> Callable[[], types.Image]:
    def decoded() -> types.Image:
        try:
            return clip.frame(frame).image
        except MediaError as error:
            raise MediaError(f"Frame {frame} of the video of task {clip.task}: {error}") from error

    return decoded
