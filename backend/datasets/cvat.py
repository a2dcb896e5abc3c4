"""CVAT for video 1.1: one XML for each group, with a track for each object: box, polygons of its mask, or skeleton.

Each shape has the attributes `origin`, `version` and `score`. An object that is not followed is a track of one frame.
The pictures are those of the video: the XML names frames by number, from 0.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format, Items, by_group, no_pictures
from backend.datasets.item import Item, Names
from backend.datasets.mask_codes import filled, outlines
from backend.errors import DataSetError
from backend.instances import ABSENT, DRAWN, HIDDEN, NO_TRACK, PREDICTED, VISIBLE, Instances
from backend.pixel_edges import Ring, bounding_box

SAID = ("origin", "version", "score")
"""What each shape says of itself besides its place."""


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """See `Format.write`; memory holds one group, without its pixels."""
    places = FileNames()
    for group, some in by_group(_light(item) for item in items()):
        folder = out / some[0].split
        folder.mkdir(exist_ok=True)
        path = folder / f"{places.of(group, within=some[0].split)}.xml"
        path.write_text("\n".join(_document(group, some, names)) + "\n", encoding="utf-8")
        yield path


def _light(item: Item) -> Item:
    """With polygons, as text, in place of masks: those of a long video would not fit into memory."""
    objects = item.objects
    polygons = [[_points(ring) for ring in outlines(mask)] if mask.any() else [] for mask in objects.mask]
    bare = objects.with_columns(mask=None, attributes=[{"polygons": found} for found in polygons])
    return Item(item.group, item.name, item.width, item.height, bare, number=item.number, split=item.split)


def _document(group: str, items: Sequence[Item], names: Names) -> Iterator[str]:
    frames = [item.number for item in items]
    tracks, alone = _tracks(items)
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield "<version>1.1</version>"
    yield f"<meta><task><name>{_text(group)}</name><size>{max(frames) + 1}</size><mode>interpolation</mode>"
    yield f'<micro_models frames="{_numbers(frames)}" alone="{_numbers(alone)}" />'
    yield "<labels>"
    for label in names.labels:
        said = "".join(
            f"<attribute><name>{name}</name><mutable>True</mutable><input_type>text</input_type>"
            "<default_value></default_value><values></values></attribute>"
            for name in SAID
        )
        yield f"<label><name>{_text(label)}</name><attributes>{said}</attributes></label>"
    yield "</labels>"
    size = f"<width>{items[0].width}</width><height>{items[0].height}</height>"
    yield f"<original_size>{size}</original_size></task></meta>"
    for number, (key, shapes) in enumerate(tracks.items()):
        yield from _track(number, key, shapes, frames)
    yield "</annotations>"


@dataclass(frozen=True, slots=True)
class _Shape:
    """One shape in one frame, as XML: before and behind what says whether it is outside."""

    frame: int
    before: str
    behind: str
    source: str


@dataclass(frozen=True, slots=True)
class _Key:
    """What makes shapes of several frames one track."""

    label: str
    kind: str
    object: int
    """What the parts of an object have in common: its track, or of one that is not followed a number of its own."""
    part: int


def _tracks(items: Sequence[Item]) -> tuple[dict[_Key, list[_Shape]], list[int]]:
    """(tracks with their shapes, the numbers of objects that are not followed)"""
    found, alone = defaultdict[_Key, list[_Shape]](list), list[int]()
    free = max((int(track) for item in items for track in item.objects.track), default=NO_TRACK) + 1
    for item in items:
        for row, label in enumerate(item.objects.label.tolist()):
            number = int(item.objects.track[row])
            if number == NO_TRACK:
                number = free + len(alone)
                alone.append(number)
            for kind, part, before, behind in _shapes(item.objects, row):
                source = "auto" if item.objects.origin[row] == PREDICTED else "manual"
                found[_Key(label, kind, number, part)].append(_Shape(item.number, before, behind, source))
    return found, alone


def _shapes(objects: Instances, row: int) -> Iterator[tuple[str, int, str, str]]:
    """(kind, which part, XML up to its attributes, XML behind them) of each shape of an object."""
    score, origin, version = f"{objects.score[row]:.4g}", str(objects.origin[row]), str(objects.version[row])
    said = "".join(
        f'<attribute name="{name}">{_text(value)}</attribute>'
        for name, value in zip(SAID, (origin, version, score), strict=True)
    )
    x0, y0, x1, y1 = (f"{side:.2f}" for side in objects.xyxy[row].tolist())
    polygons = objects.attributes[row].get("polygons", ())
    for part, points in enumerate(polygons):
        yield "polygon", part, f'points="{points}"', said
    if not polygons:
        yield "box", 0, f'xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"', said
    if (objects.visibility[row] != ABSENT).any():
        points = "".join(
            f'<points label={quoteattr(name)} keyframe="1" outside="{int(seen == ABSENT)}" '
            f'occluded="{int(seen == HIDDEN)}" points="{_points(np.nan_to_num(xy)[None])}" />'
            for name, xy, seen in zip(
                objects.keypoint_names, objects.keypoints[row], objects.visibility[row].tolist(), strict=True
            )
        )
        yield "skeleton", 0, "", said + points


def _track(number: int, key: _Key, shapes: Sequence[_Shape], frames: Sequence[int]) -> Iterator[str]:
    """A track ends, until it is seen again, at the first frame in which it is not."""
    kind = key.kind
    yield f'<track id="{number}" label={quoteattr(key.label)} group_id="{key.object}" source="{shapes[0].source}">'
    following = dict(zip(frames, [*frames[1:], frames[-1] + 1], strict=True))
    for shape, later in zip(shapes, [*shapes[1:], None], strict=True):
        yield _xml(kind, shape, shape.frame, False)
        after = following[shape.frame]
        if (later is None or later.frame != after) and after <= frames[-1]:
            yield _xml(kind, shape, after, True)
    yield "</track>"


def _xml(kind: str, shape: _Shape, frame: int, outside: bool) -> str:
    head = f'<{kind} frame="{frame}" keyframe="1" outside="{int(outside)}" occluded="0" z_order="0" {shape.before}>'
    return f"{head}{shape.behind}</{kind}>"


def _points(ring: Ring) -> str:
    rows: list[list[float]] = ring.tolist()
    return ";".join(f"{x:.2f},{y:.2f}" for x, y in rows)


def _numbers(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(slots=True)
class _Seen:
    """What is read of one object in one frame."""

    label: str
    track: int
    said: Mapping[str, str]
    box: tuple[float, ...] | None = None
    rings: list[Any] = field(default_factory=list)
    points: dict[str, tuple[float, float, int]] = field(default_factory=dict)


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of an XML file, or of all those in a folder; each file is a group. They have no pictures."""
    for file in sorted(path.rglob("*.xml")) if path.is_dir() else [path]:
        try:
            yield from _read_file(file)
        except (ElementTree.ParseError, AttributeError, KeyError, ValueError, OSError) as error:
            raise DataSetError(
                f"{file} cannot be read ({type(error).__name__}: {error}). Expected CVAT for video 1.1."
            ) from error


def _read_file(file: Path) -> Iterator[Item]:
    root = ElementTree.parse(file).getroot()
    width, height = int(_found(root, "width")), int(_found(root, "height"))
    ours = root.find(".//micro_models")
    said = (
        {name: [int(n) for n in ours.get(name, "").split()] for name in ("frames", "alone")} if ours is not None else {}
    )
    frames = said.get("frames") or range(int(_found(root, "size")))
    seen = defaultdict[int, dict[Any, _Seen]](dict)
    for track in root.iter("track"):
        for shape in track:
            if shape.get("outside") != "1":
                _add(seen[int(shape.attrib["frame"])], track, shape)
    group = root.findtext(".//task/name") or file.stem
    names = tuple(dict.fromkeys(n for some in seen.values() for one in some.values() for n in one.points))
    split = file.parent.name if file.parent.name in ("train", "val") else ""
    for frame in frames:
        objects = _objects(list(seen[frame].values()), names, (height, width), frozenset(said.get("alone", ())))
        yield Item(group, f"{frame:06d}", width, height, objects, number=frame, split=split)


def _found(root: ElementTree.Element, name: str) -> str:
    text = root.findtext(f".//{name}")
    if text is None:
        raise ValueError(f"there is no <{name}>")
    return text


def _add(seen: dict[Any, _Seen], track: ElementTree.Element, shape: ElementTree.Element) -> None:
    label, group = track.attrib["label"], track.get("group_id") or f"track {track.attrib['id']}"
    said = {one.attrib["name"]: one.text or "" for one in shape.findall("attribute")}
    number = int(group) if group.lstrip("-").isdigit() else int(track.attrib["id"])
    one = seen.setdefault((label, group), _Seen(label, number, said))
    if shape.tag == "box":
        one.box = tuple(float(shape.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr"))
    elif shape.tag == "polygon":
        one.rings.append(_ring(shape.attrib["points"]))
    elif shape.tag == "skeleton":
        for point in shape.findall("points"):
            if point.get("outside") != "1":
                x, y = map(float, point.attrib["points"].split(","))
                one.points[point.attrib["label"]] = (x, y, HIDDEN if point.get("occluded") == "1" else VISIBLE)


def _ring(points: str) -> Ring:
    return np.array([[float(side) for side in point.split(",")] for point in points.split(";")], np.float64)


def _objects(seen: Sequence[_Seen], names: Sequence[str], size: tuple[int, int], alone: frozenset[int]) -> Instances:
    n, k = len(seen), len(names)
    masks = np.zeros((n, *size) if any(one.rings for one in seen) else (n, 0, 0), np.bool_)
    xy, visible, boxes = np.full((n, k, 2), np.nan), np.zeros((n, k), np.uint8), list[Any]()
    for row, one in enumerate(seen):
        if one.rings:
            masks[row] = filled(one.rings, *size)
        for name, (x, y, how) in one.points.items():
            xy[row, names.index(name)], visible[row, names.index(name)] = (x, y), how
        around = np.nanmin(xy[row], 0).tolist() + np.nanmax(xy[row], 0).tolist() if one.points else [0.0] * 4
        boxes.append(one.box or (bounding_box(masks[row]) if one.rings else None) or around)
    return Instances(
        boxes, [one.label for one in seen], [float(one.said.get("score") or 1) for one in seen], masks, xy,
        visibility=visible, keypoint_names=names, track=[NO_TRACK if one.track in alone else one.track for one in seen],
        origin=[one.said.get("origin") or DRAWN for one in seen], version=[one.said.get("version", "") for one in seen],
    )  # fmt: skip


CVAT = Format("cvat", "CVAT for video 1.1: tracks of boxes, polygons, skeletons", no_pictures, write, read, tracks=True)
