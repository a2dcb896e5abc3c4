"""Tracks with lifespans, from the tracked instances of a video's frames. Pure.

What a person drew is a fact: a track passes through its keyframes, and lives exactly as long between the first and the last
of them as drawn. Before the first and after the last it goes on as long as it is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backend.learning.video.frames import VideoFrame
from backend.tracks import Keyframe, Track
from backend.types import Instance

MIN_FRAMES = 2
"""In which a track that nobody drew is seen; fewer are a flicker."""
MIN_SCORE = 0.5
"""Mean from which a track that nobody drew is shown: as likely an object as not. What a person drew says already how many
objects there are."""


@dataclass(slots=True, eq=False)
class _Observations:
    """The frames in which one object was detected."""

    label: str
    keyframes: dict[int, Keyframe] = field(default_factory=dict)
    scores: list[float] = field(default_factory=list)

    def add(self, number: int, instance: Instance) -> None:
        self.keyframes[number] = Keyframe(number, instance.box)
        self.scores.append(instance.score)


def to_tracks(frames: Sequence[VideoFrame], drawn: Sequence[Track]) -> list[Track]:
    """Tracks with a keyframe at each frame in which they are seen, and at each of a person's keyframes.

    `frames` are in order of time. Of their instances those with `track` n < len(drawn) show the n-th drawn track; the drawn
    tracks come first, in their order and with their region ids.
    """
    observed = {n: _Observations(track.label) for n, track in enumerate(drawn)}
    for frame in frames:
        for instance in frame.instances:
            n = instance.track
            if n is not None and (n >= len(drawn) or _may_be_visible(drawn[n], frame.number)):
                observed.setdefault(n, _Observations(instance.label)).add(frame.number, instance)
    last = frames[-1].number if frames else 0
    of_drawn = [_track(observed.pop(n), last, track) for n, track in enumerate(drawn)]
    return of_drawn + [_track(one, last) for one in observed.values() if _is_reliable(one, len(frames))]


def _may_be_visible(track: Track, number: int) -> bool:
    """Whether the person left it open, or said, that the object is there."""
    first, last = track.keyframes[0], track.keyframes[-1]
    return number < first.frame or track.box_at(number) is not None or (number > last.frame and last.enabled)


def _is_reliable(observed: _Observations, frames: int) -> bool:
    """Whether a track that nobody drew is shown."""
    return len(observed.scores) >= min(MIN_FRAMES, frames) and sum(observed.scores) >= MIN_SCORE * len(observed.scores)


def _track(observed: _Observations, end: int, drawn: Track | None = None) -> Track:
    """With the person's keyframes; it ends where it is last seen, unless that is the last frame."""
    keyframes = observed.keyframes | {one.frame: one for one in drawn.keyframes} if drawn else observed.keyframes
    ordered = [keyframes[number] for number in sorted(keyframes)]
    if ordered[-1].enabled and ordered[-1].frame < end:
        ordered[-1] = replace(ordered[-1], enabled=False)
    scores = observed.scores or [1.0]
    return Track(observed.label, tuple(ordered), sum(scores) / len(scores), drawn.region_id if drawn else None)
