"""YOLO as ultralytics reads it: `data.yaml`, `train/images/`, and for each picture a text in `train/labels/`; so `val/`.

One line an object: its class, and either a box, a polygon, or a box and its points, in shares of the picture's sides. A
frame without any has an empty text. Scores, tracks and where an object comes from are in `items.jsonl` alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format, Items
from backend.datasets.item import TRAIN, VAL, Item, Names, flat_name
from backend.datasets.mask_codes import filled, outlines
from backend.datasets.pictures import ENDINGS, FilePicture, size_of
from backend.errors import DataSetError
from backend.instances import ABSENT, VISIBLE, Instances
from backend.pixel_edges import bounding_box

DIGITS = 6
"""Of a share: a hundredth of a pixel in an image of 10,000."""
Line = Callable[[Instances, int, Sequence[str], tuple[int, int]], list[list[float]]]
"""(objects, which one, names of points, (width, height)) to the numbers behind the class; none, or several, lines."""


def pictures(item: Item, names: FileNames) -> list[str]:
    """In `train/images/` or `val/images/`, all side by side."""
    return [f"{item.split or TRAIN}/images/{names.of(item.group, item.name)}"]


def labels_of(path: str) -> str:
    """The text that belongs to a picture, by the picture's path."""
    split, _, name = path.split("/")
    return f"{split}/labels/{name.rpartition('.')[0]}.txt"


def box_line(objects: Instances, row: int, points: Sequence[str], size: tuple[int, int]) -> list[list[float]]:
    """Centre, width and height."""
    width, height = size
    x0, y0, x1, y1 = objects.xyxy[row].clip(0, (width, height, width, height)).tolist()
    return [[(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]]


def polygon_line(objects: Instances, row: int, points: Sequence[str], size: tuple[int, int]) -> list[list[float]]:
    """One polygon for each part of the mask, the format has one for each line; of an object without a mask its box."""
    x0, y0, x1, y1 = objects.xyxy[row].clip(0, (*size, *size)).tolist()
    rings = outlines(objects.mask[row]) or [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]
    return [(ring / size).reshape(-1).tolist() for ring in rings]


def pose_line(objects: Instances, row: int, points: Sequence[str], size: tuple[int, int]) -> list[list[float]]:
    """A box, then x, y and visibility of each point."""
    there = {name: at for at, name in enumerate(objects.keypoint_names)}
    numbers = box_line(objects, row, points, size)[0]
    for name in points:
        at = there.get(name)
        visible = ABSENT if at is None else int(objects.visibility[row, at])
        x, y = (0.0, 0.0) if at is None or visible == ABSENT else (objects.keypoints[row, at] / size).tolist()
        numbers += [min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0), visible]
    return [numbers]


def _write(line: Line) -> Callable[[Items, Names, Path], Iterator[Path]]:
    def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
        numbers, splits = {name: n for n, name in enumerate(names.labels)}, dict[str, None]()
        for item in items():
            splits[item.split or TRAIN] = None
            if item.path:
                path = out / labels_of(item.path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_text(item, numbers, names.keypoints, line), encoding="utf-8")
                yield path
        yield _data_yaml(out, names, list(splits), line is pose_line)

    return write


def _text(item: Item, numbers: Mapping[str, int], points: Sequence[str], line: Line) -> str:
    rows = []
    for row in range(len(item.objects)):
        for found in line(item.objects, row, points, (item.width, item.height)):
            class_ = numbers[str(item.objects.label[row])]
            rows.append(" ".join([str(class_), *(f"{number:.{DIGITS}f}".rstrip("0").rstrip(".") for number in found)]))
    return "".join(f"{row}\n" for row in rows)


def _data_yaml(out: Path, names: Names, splits: Sequence[str], pose: bool) -> Path:
    described: dict[str, Any] = {
        "path": ".",
        "train": f"{TRAIN}/images",
        # The key must be there; without groups that are held out the figures of a training say nothing.
        "val": f"{VAL if VAL in splits else TRAIN}/images",
        "names": dict(enumerate(names.labels)),
    }
    if pose:
        described |= {"kpt_shape": [len(names.keypoints), 3], "kpt_names": {0: list(names.keypoints)}}
        described["node_names"] = list(names.keypoints)  # as SLEAP's reader looks for them
    path = out / "data.yaml"
    path.write_text(yaml.safe_dump(described, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a folder with `data.yaml`, or of that file. A line of four numbers is a box, one with as many more as
    `kpt_shape` says has points, any other is a polygon; polygons come as masks."""
    file = path if path.is_file() else path / "data.yaml"
    described = _described(file)
    labels, shape = _names(described["names"], file), described.get("kpt_shape") or (0, 3)
    points = _points(described, int(shape[0]))
    root = file.parent / str(described.get("path") or ".")
    root = root if root.is_dir() else file.parent  # a path of the machine where it was written
    folders = {str(described[split]): split for split in ("test", "val", "train") if described.get(split)}
    count = 0
    for folder, split in sorted(folders.items(), key=lambda one: ("train", "val", "test").index(one[1])):
        where = images or root / folder
        for picture in sorted(p for p in where.rglob("*") if p.suffix.lower() in ENDINGS):
            width, height = size_of(picture)
            text = _label_file(picture)
            lines = text.read_text(encoding="utf-8").splitlines() if text.is_file() else []
            objects = _objects(lines, labels, points, int(shape[1]), (width, height), text)
            yield Item(
                group="", name=flat_name(picture.name), width=width, height=height, objects=objects, number=count,
                split=split if len(folders) > 1 else "",
                picture=FilePicture(picture, picture.suffix.lower()), path=picture.relative_to(where).as_posix(),
            )  # fmt: skip
            count += 1


def _described(file: Path) -> dict[str, Any]:
    try:
        described = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataSetError(f"{file} cannot be read ({error}). Expected the data.yaml of a YOLO data set.") from None
    if not isinstance(described, dict) or "names" not in described or not described.get("train"):
        raise DataSetError(f"{file} has no `names` and `train`. Expected the data.yaml of a YOLO data set.")
    return described


def _names(names: Any, file: Path) -> list[str]:
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    if not isinstance(names, list):
        raise DataSetError(f"{file} has names {names!r}. Expected a list, or numbers with names.")
    return [str(name) for name in names]


def _points(described: Mapping[str, Any], count: int) -> list[str]:
    known = described.get("kpt_names")
    first = next(iter(known.values()), None) if isinstance(known, dict) else known
    named = isinstance(first, list) and len(first) == count
    return [str(name) for name in first] if named and first else [str(n) for n in range(count)]


def _label_file(picture: Path) -> Path:
    """As ultralytics finds it: the last `images` of the path is `labels`."""
    parts = list(picture.with_suffix(".txt").parts)
    for at in reversed(range(len(parts) - 1)):
        if parts[at] == "images":
            parts[at] = "labels"
            break
    return Path(*parts)


def _objects(
    lines: Sequence[str], labels: Sequence[str], points: Sequence[str], each: int, size: tuple[int, int], file: Path
) -> Instances:
    width, height = size
    boxes, found, masks = list[Any](), list[str](), list[Any]()
    xy, seen = list[Any](), list[Any]()
    for number, line in enumerate(filter(str.strip, lines), start=1):
        try:
            class_, *shares = [float(part) for part in line.split()]
            found.append(labels[int(class_)])
        except (ValueError, IndexError):
            raise DataSetError(
                f"{file}, line {number}: {line!r}. Expected a class of {len(labels)} and shares."
            ) from None
        pose = len(points) * each
        if len(shares) in (4, 5, 4 + pose):  # a fifth number is a score or a track
            x, y, w, h = np.array(shares[:4]) * (width, height, width, height)
            boxes.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
            masks.append(None)
        elif len(shares) >= 6 and len(shares) % 2 == 0:
            ring = np.array(shares).reshape(-1, 2) * size
            masks.append(filled([ring], height, width))
            boxes.append(bounding_box(masks[-1]) or (*ring.min(0), *ring.max(0)))
        else:
            raise DataSetError(f"{file}, line {number}: {len(shares)} shares. Expected a box, points or a polygon.")
        placed = np.array(shares[4:] if pose and len(shares) == 4 + pose else [0.0] * pose).reshape(-1, each)
        visible = placed[:, 2].astype(np.uint8) if each == 3 else np.where(placed.any(1), VISIBLE, ABSENT)
        xy.append(np.where((visible != ABSENT)[:, None], placed[:, :2] * size, np.nan))
        seen.append(visible.clip(ABSENT, VISIBLE))
    return _instances(boxes, found, masks, xy, seen, points, (height, width))


def _instances(
    boxes: Sequence[Any], labels: Sequence[str], masks: Sequence[Any], xy: Sequence[Any], seen: Sequence[Any],
    points: Sequence[str], shape: tuple[int, int],
) -> Instances:  # fmt: skip
    n, k = len(boxes), len(points)
    whole = np.zeros((n, *shape) if any(m is not None for m in masks) else (n, 0, 0), np.bool_)
    for row, mask in enumerate(masks):
        if mask is not None:
            whole[row] = mask
    visible = np.array(seen, np.uint8).reshape(n, k)
    return Instances(
        boxes, labels, None, whole, np.array(xy, np.float64).reshape(n, k, 2),
        visible != ABSENT, visible, points,
    )  # fmt: skip


def _format(name: str, words: str, line: Line) -> Format:
    needs: Literal["", "keypoints"] = "keypoints" if line is pose_line else ""
    return Format(name, words, pictures, _write(line), read, lambda path: [labels_of(path)], needs=needs)


YOLO = _format("yolo", "YOLO: boxes, with data.yaml", box_line)
YOLO_SEGMENT = _format("yolo-segment", "YOLO: polygons of masks", polygon_line)
YOLO_POSE = _format("yolo-pose", "YOLO: boxes and points", pose_line)
