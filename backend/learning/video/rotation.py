"""Rotated boxes of tracks: tracked by their upright bounding boxes, and given their angles back. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.learning.geometry.rotation import overlaps
from backend.tracks import Keyframe, Track
from backend.types import Box, Instance

SAME_OBJECT_IOU = 0.5
"""IoU of bounding boxes from which a box that was seen is that of the track."""


def has_angles(drawn: Sequence[Track], seen: Mapping[int, Sequence[Instance]]) -> bool:
    """Whether anything is turned in a video."""
    return any(one.angle for track in drawn for one in track.keyframes) or any(
        one.angle for instances in seen.values() for one in instances
    )


def upright_track(track: Track, size: tuple[int, int]) -> Track:
    """The same with the bounding boxes of its keyframes, as far as they are in the picture."""
    return replace(track, keyframes=tuple(_upright(one, size) for one in track.keyframes))


def _upright(one: Keyframe, size: tuple[int, int]) -> Keyframe:
    if not one.angle:
        return one
    x0, y0, x1, y1 = one.bounds
    box: Box = max(x0, 0.0), max(y0, 0.0), min(x1, float(size[0])), min(y1, float(size[1]))
    return replace(one, box=box, angle=0.0)


def restore_angles(track: Track, seen: Mapping[int, Sequence[Instance]], drawn: Track | None) -> Track:
    """A track of bounding boxes with its turned boxes: at a person's keyframes as drawn, elsewhere as seen; where nothing was
    seen, as before. `seen` is {frame: what was seen in it, turned as it was}."""
    drawn_keyframes = {one.frame: one for one in drawn.keyframes} if drawn else {}
    restored = list[Keyframe]()
    for one in track.keyframes:
        turned = (
            drawn_keyframes.get(one.frame)
            or _as_seen(one, track.label, seen.get(one.frame, ()))
            or _as_before(one, restored)
        )
        restored.append(replace(turned.after(restored[-1]) if restored else turned, enabled=one.enabled))
    return replace(track, keyframes=tuple(restored))


def _as_seen(one: Keyframe, label: str, instances: Sequence[Instance]) -> Keyframe | None:
    same = [instance for instance in instances if instance.label == label]
    if not same:
        return None
    near = overlaps([Instance(label, one.box)], [instance.upright() for instance in same])[0]
    best = int(near.argmax())
    return replace(one, box=same[best].box, angle=same[best].angle) if near[best] >= SAME_OBJECT_IOU else None


def _as_before(one: Keyframe, restored: Sequence[Keyframe]) -> Keyframe:
    """In the place of its own bounding box, with the sides and the angle of the keyframe before."""
    if not restored:
        return one
    x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
    half = (restored[-1].box[2] - restored[-1].box[0]) / 2, (restored[-1].box[3] - restored[-1].box[1]) / 2
    return replace(one, box=(x - half[0], y - half[1], x + half[0], y + half[1]), angle=restored[-1].angle)
