"""Training set from whole-video tasks: the frames in which a person drew something."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.geometry.rotation import upright
from backend.learning.video.rotation import upright_track
from backend.loop.data.memory import Held
from backend.loop.data.video_frames import Clip, ClipFrames, Clips
from backend.studio import tags
from backend.tracks import Track, instances_at
from backend.types import Control, Frame, Head, Instance, LabeledFrame, level
from model_registry import LabelRecord, TaskRecord

MAX_LEARNT_FRAMES = 60
"""Frames of a video that are learnt from, at most: they are all in memory, 400 MB of full HD. A prediction that a person
accepted comes back with hundreds of keyframes, which look alike."""
FROM_RANGE = 8
"""Frames that are learnt from in one drawn range, at most: its neighbours look alike."""
INTERPOLATED_WEIGHT = 0.5
"""Weight of a frame in which some boxes are only known from keyframes before and after."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoTrainingSet:
    """What a person drew in one video."""

    clip: Clip
    tracks: tuple[Track, ...]
    labeled: tuple[LabeledFrame, ...]
    """Frames to learn from."""
    certain: frozenset[int]
    """Numbers of the frames in which everything is drawn: nothing is left to predict there."""
    anchors: tuple[LabeledFrame, ...] = ()
    """All frames with a keyframe, without their pictures: what a person drew in them, each box with its track's number."""

    @property
    def unlabeled(self) -> list[int]:
        """Numbers of the frames to look at that are not learnt from."""
        learnt = {one.frame.task - self.clip.start for one in self.labeled}
        return [number for number in self.rest if number not in learnt]

    @property
    def rest(self) -> list[int]:
        """Numbers of the frames to look at and to predict."""
        keyframes = {one.frame for track in self.tracks for one in track.keyframes}
        return sorted({*self.clip.looks, *keyframes} - self.certain)


def upright_set(training_set: VideoTrainingSet) -> VideoTrainingSet:
    """The same with upright boxes."""
    size = training_set.clip.size.width, training_set.clip.size.height
    tracks = tuple(upright_track(track, size) for track in training_set.tracks)
    labeled, anchors = (
        tuple(upright(one) for one in frames) for frames in (training_set.labeled, training_set.anchors)
    )
    return replace(training_set, tracks=tracks, labeled=labeled, anchors=anchors)


def build_video_training_set(
    control: Control,
    tasks: Sequence[TaskRecord],
    newest: Mapping[int, LabelRecord],
    clips: Clips,
    held: Held,
) -> tuple[list[VideoTrainingSet], dict[int, str], list[str]]:
    """(what was drawn in each video, {task: why its video cannot be used}, what else could not be used, in words)."""
    found, unreadable = clips.select(tasks, control)
    training_sets = list[VideoTrainingSet]()
    problems = [f"task {i}: {why}" for i, why in unreadable.items() if i in newest]
    for clip in found:
        label = newest.get(clip.task)
        read = tags.for_video(control).read(label.result if label else [], control, clip.size)
        problems.extend(f"task {clip.task}: {why}" for why in read.problems)
        build = _of_ranges if control.head is Head.CLASSIFICATION and not control.attribute_of else _of_tracks
        training_sets.append(build(clip, read.tracks))
        learnt = training_sets[-1].labeled
        held.take(sum(one.frame.image.nbytes for one in learnt), len(learnt))
        if not read.usable:
            unreadable[clip.task] = "; ".join(read.problems)
        elif label and not read.tracks:
            problems.append(f"task {clip.task}: nothing of {control.from_name!r} is drawn in it yet")
        if clip.task in clips.remarks:
            problems.append(f"task {clip.task}: {clips.remarks[clip.task]}")
    return training_sets, unreadable, problems


def _of_tracks(clip: Clip, tracks: tuple[Track, ...]) -> VideoTrainingSet:
    """From keyframes: boxes in between are guesses of the player, and only fill frames in which others are drawn."""
    numbers = sorted({one.frame for track in tracks for one in track.keyframes})
    shown = {n: [track for track in tracks if track.box_at(n)] for n in numbers}
    certain = frozenset(n for n in numbers if all(_keyed(track, n) for track in shown[n]))
    # Behind its last keyframe the player holds a box where it was: where the object is then, nobody has said.
    known = [n for n in numbers if all(n <= track.keyframes[-1].frame for track in shown[n])]
    labeled = tuple(
        LabeledFrame(frame, instances_at(shown[n], n), 1.0 if n in certain else INTERPOLATED_WEIGHT)
        for n, frame in _read(clip, _spread(known or numbers, MAX_LEARNT_FRAMES))
    )
    return VideoTrainingSet(
        clip, tracks, labeled, certain, tuple(_anchor(clip, tracks, n, n in certain) for n in numbers)
    )


def _of_ranges(clip: Clip, tracks: tuple[Track, ...]) -> VideoTrainingSet:
    """From some frames of each drawn range; a class drawn alone is told from what lies outside of its ranges."""
    spans = [span for track in tracks for span in track.lifespans(clip.size.frames)]
    inside = frozenset(n for start, end in spans for n in range(start, end + 1))
    most = max(min(FROM_RANGE, MAX_LEARNT_FRAMES // max(len(spans), 1)), 1)
    numbers = {n for start, end in spans for n in _spread(range(start, end + 1), most)}
    if len({track.label for track in tracks}) == 1:
        outside = [n for n in clip.looks if n not in inside]
        numbers.update(_spread(outside, len(numbers)))
    labeled = tuple(
        LabeledFrame(frame, instances_at([t for t in tracks if t.box_at(n)], n))
        for n, frame in _read(clip, _spread(sorted(numbers), MAX_LEARNT_FRAMES))
    )
    return VideoTrainingSet(clip, tracks, labeled, inside)


def _read(clip: Clip, numbers: Sequence[int]) -> Iterator[tuple[int, Frame]]:
    """(number, frame) of those that can be decoded; `Clips.remarks` names the others."""
    return ((frame.task - clip.start, frame) for frame in ClipFrames([(clip, number) for number in numbers]))


def _anchor(clip: Clip, tracks: Sequence[Track], number: int, complete: bool) -> LabeledFrame:
    """A frame with the boxes that are drawn in it."""
    order = clip.start + number
    frame = Frame(order, np.zeros((1, 1, 3), np.uint8), clip.size.width, clip.size.height, float(order))
    keyed = [(n, track.label, one) for n, track in enumerate(tracks) for one in track.keyframes if one.frame == number]
    boxes = [(n, label, *level(one.box, one.angle)) for n, label, one in keyed]
    drawn = tuple(Instance(label, box, track=n, angle=angle) for n, label, box, angle in boxes)
    return LabeledFrame(frame, drawn, complete=complete)


def _keyed(track: Track, number: int) -> bool:
    return any(one.frame == number for one in track.keyframes)


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of these, evenly spread, each in the middle of its share."""
    if len(numbers) <= most:
        return list(numbers)
    places = (np.arange(most) + 0.5) * len(numbers) / most
    return [numbers[int(place)] for place in places]
