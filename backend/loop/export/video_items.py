"""A task with a whole video as frames of a data set: tracks and ranges, frame by frame."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from backend import types
from backend.datasets import Item, Planned
from backend.datasets.pictures import ArrayPicture
from backend.instances import ACCEPTED, DRAWN, MENDED, NO_TRACK, Instances
from backend.loop.data.video_frames import Clip, Clips
from backend.loop.export.image_items import about
from backend.loop.export.reading import ObjectReader
from backend.loop.export.sources import Source
from backend.studio import tags
from backend.studio.regions.said import attributes_of, scores_of
from backend.tracks import Track
from backend.types import Control, Head, Instance, Media


@dataclass(frozen=True, slots=True)
class _Followed:
    """One track through the video, and where it comes from."""

    track: Track
    number: int
    origin: str
    version: str
    attributes: dict[str, object]
    is_range: bool
    keyed: frozenset[int] = frozenset()
    """Frames in which a person drew it."""

    def in_frame(self, frame: int) -> tuple[str, str, float]:
        """Origin, version and score there."""
        if frame in self.keyed:
            return DRAWN, "", 1.0
        return self.origin, self.version, self.track.score

    def is_known(self, frame: int) -> bool:
        """Whether a person said that it is there: drew it, or went through all of a predicted one."""
        return self.is_range or frame in self.keyed or self.origin in (ACCEPTED, MENDED)


@dataclass(frozen=True, slots=True)
class VideoItems:
    """Plans the frames of whole-video tasks of one project."""

    reader: ObjectReader
    clips: Clips
    every: int
    predictions: bool
    """Whether frames are wanted too of which nobody said what is in them."""

    def plan(self, source: Source, group: str) -> Iterator[Planned]:
        """The frames of one task, in order of time; none, and a remark, where its video cannot be had."""
        controls = [one for one in self.reader.controls if one.media is Media.VIDEO]
        found, problems = self.clips.select([source.task], controls[0])
        for task, why in problems.items():
            self.reader.remark(f"task {task}: {why}")
        for clip in found:
            followed = self._followed(source, controls, clip)
            for frame in range(1, clip.size.frames + 1, self.every):
                if self.predictions or _is_labelled(followed, frame):
                    name = f"{frame:06d}"
                    make = partial(_item, source, clip, followed, group, name, frame)
                    yield Planned(group, name, make, f"{source.stamp}, {frame}")

    def _followed(self, source: Source, controls: Sequence[Control], clip: Clip) -> list[_Followed]:
        followed = self._read(source, controls, clip)
        if source.later is None or not self.predictions:
            return followed
        # What was predicted since goes on from what was drawn, region by region.
        drawn = {one.track.region_id: one.keyed for one in followed if not one.is_range}
        renewed = self._read(Source(source.task, None, source.later), controls, clip)
        return [replace(one, keyed=drawn.get(one.track.region_id, one.keyed)) for one in renewed]

    def _read(self, source: Source, controls: Sequence[Control], clip: Clip) -> list[_Followed]:
        scores, attributes = scores_of(source.result) if source.label is None else {}, attributes_of(source.result)
        followed = list[_Followed]()
        for control in (one for one in controls if not one.attribute_of):
            read = tags.for_video(control).read(source.result, control, clip.size)
            for problem in read.problems:
                self.reader.remark(f"task {source.task.id}: {problem}")
            for track in read.tracks:
                id_, is_range = track.region_id or "", control.head is Head.CLASSIFICATION
                origin = source.origin(control.from_name, id_)
                scored = replace(track, score=scores.get((control.from_name, id_), 1.0))
                version = self.reader.versions.of(source, control.from_name, origin)
                said = {} if is_range else dict(attributes.get(id_, {}))
                keyed = frozenset(one.frame for one in track.keyframes) if origin == DRAWN else frozenset[int]()
                followed.append(_Followed(scored, len(followed) + 1, origin, version, said, is_range, keyed))
        return followed


def _is_labelled(followed: Sequence[_Followed], frame: int) -> bool:
    """Whether a person said all that is in a frame; between drawn keyframes the player only guesses."""
    shown = [one for one in followed if one.track.box_at(frame) is not None]
    if not shown:
        return any(one.origin in (ACCEPTED, MENDED) and not one.is_range for one in followed)
    return all(one.is_known(frame) for one in shown)


def _item(source: Source, clip: Clip, followed: Sequence[_Followed], group: str, name: str, frame: int) -> Item:
    size = clip.size
    seen = [(one, box) for one in followed if (box := one.track.box_at(frame)) is not None]
    objects = _arrays([(one, box) for one, box in seen if not one.is_range], frame)
    classes = _arrays([(one, box) for one, box in seen if one.is_range], frame)
    return Item(
        group, name, size.width, size.height, objects, classes, frame - 1, picture=ArrayPicture(_decoder(clip, frame)),
        about={**about(source), "rate": size.rate},
    )  # fmt: skip


def _arrays(seen: Sequence[tuple[_Followed, types.Box]], frame: int) -> Instances:
    said = [one.in_frame(frame) for one, _ in seen]
    return Instances.of(
        (Instance(one.track.label, box, score) for (one, box), (_, _, score) in zip(seen, said, strict=True)),
        track=[NO_TRACK if one.is_range else one.number for one, _ in seen],
        origin=[origin for origin, _, _ in said],
        version=[version for _, version, _ in said],
        attributes=[one.attributes for one, _ in seen],
    )


def _decoder(clip: Clip, frame: int) -> Callable[[], types.Image]:
    def decoded() -> types.Image:
        return clip.frame(frame).image

    return decoded
