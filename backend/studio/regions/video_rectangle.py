"""Tracks of a video: `VideoRectangle` together with `Labels`.

Frames count from 1, `time` is the frame's number over the frame rate (editor 1.23.2, `VideoRegion.serialize`), and boxes
are in percent and turned as those of images are; the player takes the angle straight from keyframe to keyframe, so it is
never brought back by 360 degrees. A keyframe with `enabled` false is the last one of a lifespan. A region is one item that
carries its label itself, and no size of the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from backend.studio.regions.comparison import RegionComparison, Value
from backend.studio.regions.item import DIGITS, Item, labelled, share, unique_id, value_of
from backend.studio.regions.limits import MOST_KEYFRAMES, Budget
from backend.studio.regions.rectangle import is_same_box, turned_of, turned_percent_of
from backend.studio.regions.region import Size, TracksRead, number
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control

SHAPE = "videorectangle"


class VideoRectangleRegions:
    """The converter of tracks."""

    def read(self, result: Sequence[Item], control: Control, size: VideoSize) -> TracksRead:
        """See `regions.TrackRegions.read`; a keyframe that cannot be used costs itself alone."""
        unusable: list[str] = []
        keyframes = partial(_keyframes, size=size, unusable=unusable, budget=Budget(MOST_KEYFRAMES, "keyframes"))
        found, problems = labelled(result, control, SHAPE, keyframes, (size.width, size.height))
        tracks = (Track(one.label, one.geometry, region_id=one.region_id) for one in found)
        return TracksRead(tuple(tracks), (*problems, *unusable))

    def write(self, tracks: Sequence[Track], control: Control, size: VideoSize) -> list[dict[str, Any]]:
        """See `regions.TrackRegions.write`; tracks that lie outside the picture are left out."""
        used: set[str] = set()
        return [
            {
                "id": unique_id(track.region_id, used),
                "from_name": control.from_name,
                "to_name": control.to_name,
                "type": SHAPE,
                "score": share(track.score),
                "value": {
                    "framesCount": size.frames,
                    "duration": size.frames / size.rate,
                    "sequence": sequence,
                    "labels": [track.label],
                },
            }
            for track in tracks
            if (sequence := _sequence(track.keyframes, size))
        ]


def _keyframes(
    item: Item, image: Size, size: VideoSize, unusable: list[str], budget: Budget
) -> tuple[Keyframe, ...] | str:
    """The usable keyframes by frame; what is wrong with the others goes to `unusable`."""
    rows = value_of(item).get("sequence")
    if not isinstance(rows, list):
        return "has no list `sequence` of keyframes"
    budget.take(len(rows))
    found: dict[int, Keyframe] = {}
    ordered = [row for row in rows if isinstance(row, dict) and number(row.get("frame")) is not None]
    for row in sorted(ordered, key=lambda row: float(row["frame"])):
        at, drawn = float(row["frame"]), turned_of({"value": row}, image)
        if not at.is_integer() or not 1 <= at <= size.frames:
            unusable.append(f"keyframe {at:g} of region {item.get('id')!r}: the video has frames 1 to {size.frames}")
        elif isinstance(drawn, str):
            unusable.append(f"keyframe {at:g} of region {item.get('id')!r} {drawn}")
            if found:  # it left the picture: it is not seen behind the keyframe before
                found[max(found)] = replace(found[max(found)], enabled=False)
        else:
            one = Keyframe(int(at), drawn[0], row.get("enabled") is not False, drawn[1])
            found.setdefault(int(at), one.after(found[max(found)]) if found else one)
    return tuple(found.values()) or "has no usable keyframe"


def _sequence(keyframes: Sequence[Keyframe], size: VideoSize) -> list[dict[str, Any]]:
    rows = []
    for one in keyframes:
        value = turned_percent_of(one.box, one.angle, (size.width, size.height))
        if value is not None:
            turn = {"rotation": round(one.angle, DIGITS)} if one.angle else {}
            rows.append({"frame": one.frame, "enabled": one.enabled, "time": one.frame / size.rate, **value, **turn})
    return rows


def _rows_by_frame(value: Value) -> dict[float, Value]:
    rows = value.get("sequence")
    rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return {at: row for row in rows if (at := number(row.get("frame"))) is not None}


def _keyframes_touched(shown: Value, drawn: Value) -> int:
    before, after = _rows_by_frame(shown), _rows_by_frame(drawn)
    changed = sum(not _is_same_keyframe(before[frame], after[frame]) for frame in before.keys() & after.keys())
    return changed + len(before.keys() ^ after.keys())


def _is_same_keyframe(a: Value, b: Value) -> bool:
    return is_same_box(a, b) and (a.get("enabled") is False) == (b.get("enabled") is False)


def _frames_seen(value: Value) -> int:
    """Frames in which a track is seen; after its last keyframe it stays to the end of the video, unless that ends it."""
    seen, start, last = 0, None, number(value.get("framesCount"))
    for at, row in sorted(_rows_by_frame(value).items()):
        start = at if start is None else start
        if row.get("enabled") is False:
            seen, start = seen + int(at - start) + 1, None
        else:
            last = max(last or at, at)
    return seen if start is None else seen + int((last or start) - start) + 1


COMPARISON = RegionComparison(
    moves=_keyframes_touched,
    strokes=lambda value: max(len(_rows_by_frame(value)), 1),
    covers=lambda value: max(_frames_seen(value), 1),
)
