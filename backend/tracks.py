"""Tracks of whole videos: objects as keyframes, drawn by people or predicted. No behaviour beyond what follows from the data.

Boxes are as in `backend.types`; frames are counted from 1, as Label Studio does.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.types import Box, Instance, level, quarter_turned


@dataclass(frozen=True, slots=True)
class VideoSize:
    """How large a video is, in space and in time."""

    width: int
    """Of every frame as a player shows it, pixels."""
    height: int
    frames: int
    rate: float
    """Frames a second."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """Where an object of a video is in one frame; between two keyframes the box moves in a straight line."""

    frame: int
    """Number in the video, counted from 1 as Label Studio does."""
    box: Box
    enabled: bool = True
    """False: this is the last frame of a lifespan; the object is not shown again before the next keyframe."""
    angle: float = 0.0
    """Degrees by which the box is turned clockwise about its centre, any: between keyframes it moves in a straight line too."""

    @property
    def bounds(self) -> Box:
        """The smallest upright box around the box as it is turned."""
        return Instance("", self.box, angle=self.angle).bounds

    def after(self, before: "Keyframe") -> "Keyframe":
        """The same box with the one of its four angles that is nearest to that of the keyframe before."""
        quarters = round((before.angle - self.angle) / 90)
        box, angle = quarter_turned(self.box, self.angle, quarters)
        return replace(self, box=box, angle=angle)


@dataclass(frozen=True, slots=True)
class Track:
    """One object through a video, drawn by a person (`score` 1) or predicted.

    After its last keyframe an object stays where it is to the end of the video, unless that keyframe ends its lifespan.
    A class of a range of frames is a track whose box is the frame.
    """

    label: str
    keyframes: tuple[Keyframe, ...]
    """By frame, each frame once."""
    score: float = 1.0
    region_id: str | None = None

    def lifespans(self, frames: int) -> list[tuple[int, int]]:
        """(first, last) frame of each stretch in which the object is seen, in a video of so many frames."""
        found: list[tuple[int, int]] = []
        start: int | None = None
        for keyframe in self.keyframes:
            start = keyframe.frame if start is None else start
            if not keyframe.enabled:
                found.append((start, keyframe.frame))
                start = None
        return [*found, (start, frames)] if start is not None else found

    def box_at(self, frame: int) -> Box | None:
        """Where the object is shown in a frame; None where it is not."""
        shown = self.at(frame)
        return None if shown is None else shown.box

    def at(self, frame: int) -> Keyframe | None:
        """Where and how turned the object is shown in a frame; None where it is not."""
        after = bisect_left(self.keyframes, frame, key=lambda keyframe: keyframe.frame)
        if after < len(self.keyframes) and self.keyframes[after].frame == frame:
            return self.keyframes[after]
        if after == 0 or not self.keyframes[after - 1].enabled:
            return None
        before = self.keyframes[after - 1]
        if after == len(self.keyframes):
            return replace(before, frame=frame)
        other = self.keyframes[after]
        share = (frame - before.frame) / (other.frame - before.frame)
        x0, y0, x1, y1 = (a + share * (b - a) for a, b in zip(before.box, other.box, strict=True))
        return Keyframe(frame, (x0, y0, x1, y1), angle=before.angle + share * (other.angle - before.angle))


@dataclass(frozen=True, slots=True)
class VideoPrediction:
    """What one micro-model says about one whole video."""

    task: int
    size: VideoSize
    tracks: tuple[Track, ...]
    score: float
    """Mean over the frames that were looked at of how probable it is that a person would leave the frame as it is."""


def instances_at(tracks: Sequence[Track], number: int) -> tuple[Instance, ...]:
    """What tracks show in a frame."""
    shown = [(track, *level(one.box, one.angle)) for track in tracks if (one := track.at(number))]
    return tuple(Instance(track.label, box, region_id=track.region_id, angle=angle) for track, box, angle in shown)
