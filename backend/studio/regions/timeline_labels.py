"""Classes of ranges of frames: `TimelineLabels`. A range is a track whose box is the frame.

Frames count from 1 and both ends belong to the range. The editor knows one range a region; further ones are read too.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from backend.studio.regions.comparison import RegionComparison, Value
from backend.studio.regions.item import Item, labelled, share, unique_id, value_of
from backend.studio.regions.limits import MOST_RANGES, Budget
from backend.studio.regions.region import Size, TracksRead, number
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control

SHAPE = "timeline"


class TimelineLabelsRegions:
    """The converter of ranges."""

    def read(self, result: Sequence[Item], control: Control, size: VideoSize) -> TracksRead:
        """See `regions.TrackRegions.read`: one track for each range."""
        ranges = partial(_ranges, frames=size.frames, budget=Budget(MOST_RANGES, "ranges"))
        found, problems = labelled(result, control, SHAPE, ranges, (size.width, size.height))
        tracks = [
            Track(one.label, range_of(start, end, size), region_id=one.region_id)
            for one in found
            for start, end in one.geometry
        ]
        return TracksRead(tuple(tracks), tuple(problems))

    def write(self, tracks: Sequence[Track], control: Control, size: VideoSize) -> list[dict[str, Any]]:
        """See `regions.TrackRegions.write`: one region for each lifespan of a track."""
        used: set[str] = set()
        return [
            {
                "id": unique_id(track.region_id, used),
                "from_name": control.from_name,
                "to_name": control.to_name,
                "type": f"{SHAPE}labels",
                "score": share(track.score),
                "value": {"ranges": [{"start": start, "end": end}], f"{SHAPE}labels": [track.label]},
            }
            for track in tracks
            for start, end in track.lifespans(size.frames)
        ]


def range_of(start: int, end: int, size: VideoSize) -> tuple[Keyframe, ...]:
    """The keyframes of a range of frames, both ends in it."""
    box = (0.0, 0.0, float(size.width), float(size.height))
    last = Keyframe(end, box, enabled=False)
    return (last,) if start == end else (Keyframe(start, box), last)


def _ranges(item: Item, image: Size, frames: int, budget: Budget) -> list[tuple[int, int]] | str:
    """(start, end) of an item's ranges, or what is wrong with one of them."""
    rows = value_of(item).get("ranges")
    if not isinstance(rows, list) or not rows:
        return "has no list `ranges`"
    budget.take(len(rows))
    found = []
    for row in rows:
        ends = [number(row.get(key)) for key in ("start", "end")] if isinstance(row, Mapping) else [None]
        known = [end for end in ends if end is not None and end.is_integer()]
        if len(known) != 2:
            return f"has the range {row!r}; expected whole frame numbers `start` and `end`"
        start, end = min(known), max(known)
        if start < 1 or start > frames:
            return f"has the range {start:g} to {end:g}; the video has frames 1 to {frames}"
        found.append((int(start), int(min(end, frames))))
    return found


def _frames_in(value: Value) -> int:
    rows = value.get("ranges")
    ends = [[number(row.get(key)) for key in ("start", "end")] for row in rows or () if isinstance(row, Mapping)]
    return sum(int(abs(end - start)) + 1 for start, end in ends if start is not None and end is not None)


COMPARISON = RegionComparison(
    moves=lambda a, b: 0 if a.get("ranges") == b.get("ranges") else 1,
    covers=lambda value: max(_frames_in(value), 1),
)
