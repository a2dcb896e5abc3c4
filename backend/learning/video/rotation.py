"""Tracks of turned boxes: followed by their upright hulls, and turned again as they were seen. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backend.learning.geometry.rotation import overlaps
from backend.tracks import Keyframe, Track
from backend.types import Box, Instance

SAME = 0.5
"""IoU of hulls from which a box that was seen is that of the track."""


def has_angles(drawn: Sequence[Track], seen: Mapping[int, Sequence[Instance]]) -> bool:
    """Whether anything is turned in a video."""
    return any(one.angle for track in drawn for one in track.keyframes) or any(
        one.angle for instances in seen.values() for one in instances
    )


def upright_instances(instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """The same with their hulls."""
    return tuple(replace(one, box=one.hull, angle=0.0) if one.angle else one for one in instances)


def upright_track(track: Track, size: tuple[int, int]) -> Track:
    """The same with the hulls of its keyframes, as far as they are in the picture."""
    return replace(track, keyframes=tuple(_upright(one, size) for one in track.keyframes))


def _upright(one: Keyframe, size: tuple[int, int]) -> Keyframe:
    if not one.angle:
        return one
    x0, y0, x1, y1 = one.hull
    box: Box = max(x0, 0.0), max(y0, 0.0), min(x1, float(size[0])), min(y1, float(size[1]))
    return replace(one, box=box, angle=0.0)


def turned_again(track: Track, seen: Mapping[int, Sequence[Instance]], drawn: Track | None) -> Track:
    """A track of hulls with turned boxes: at a person's keyframes as drawn, elsewhere as seen; where nothing was seen, as
    before. `seen` is {frame: what was seen in it, turned as it was}."""
    own = {one.frame: one for one in drawn.keyframes} if drawn else {}
    found = list[Keyframe]()
    for one in track.keyframes:
        turned = own.get(one.frame) or _as_seen(one, track.label, seen.get(one.frame, ())) or _as_before(one, found)
        found.append(replace(turned.after(found[-1]) if found else turned, enabled=one.enabled))
    return replace(track, keyframes=tuple(found))


def _as_seen(one: Keyframe, label: str, instances: Sequence[Instance]) -> Keyframe | None:
    same = [instance for instance in instances if instance.label == label]
    if not same:
        return None
    near = overlaps([Instance(label, one.box)], upright_instances(same))[0]
    best = int(near.argmax())
    return replace(one, box=same[best].box, angle=same[best].angle) if near[best] >= SAME else None


def _as_before(one: Keyframe, found: Sequence[Keyframe]) -> Keyframe:
    """In the place of its own hull, with the sides and the angle of the keyframe before."""
    if not found:
        return one
    x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
    half = (found[-1].box[2] - found[-1].box[0]) / 2, (found[-1].box[3] - found[-1].box[1]) / 2
    return replace(one, box=(x - half[0], y - half[1], x + half[0], y + half[1]), angle=found[-1].angle)
