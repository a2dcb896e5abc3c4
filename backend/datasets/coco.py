"""COCO: one JSON for all frames (one each for `train` and `val`), boxes, masks, points, and tracks.

A frame's group, its number and the task that it was stand with the image; with each annotation stand `score`, `origin`,
`version` and `track_id`, and its attributes, which readers that do not know them leave alone.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from backend.datasets.format import Format, Items, flat_pictures
from backend.datasets.item import Item, Names, flat_name
from backend.datasets.mask_codes import from_coco, outlines, runs_of
from backend.datasets.pictures import FilePicture
from backend.errors import DataSetError
from backend.instances import ABSENT, DRAWN, NO_TRACK, Instances
from backend.types import Mask

Encode = Callable[[Mask], Any]
INFO = {"description": "Exported by micro-models: labels of people, and predictions of the micro-models of each group"}


def polygons(mask: Mask) -> Any:
    """A mask as COCO's polygons: within about half a pixel; a hole is joined to the outline by a slit."""
    return [ring.reshape(-1).tolist() for ring in outlines(mask)]


def run_lengths(mask: Mask) -> Any:
    """A mask as COCO's run lengths, which are exact; as numbers, which every reader unpacks."""
    return {"size": list(mask.shape), "counts": runs_of(mask)}


def _write(encode: Encode) -> Callable[[Items, Names, Path], Iterator[Path]]:
    def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
        for split in names.splits or ("",):
            path = out / (f"{split}.json" if split else "annotations.json")
            aside = path.with_suffix(".part")
            with aside.open("w", encoding="utf-8") as file:
                _document(file, partial(_of_split, items, split), names, encode)
            aside.replace(path)
            yield path

    return write


def _of_split(items: Items, split: str) -> Iterator[Item]:
    return (item for item in items() if item.split == split)


def _document(file: IO[str], items: Items, names: Names, encode: Encode) -> None:
    """Images first, then annotations, which wait in a file: memory holds one frame."""
    numbers, id_ = {name: number for number, name in enumerate(names.labels, start=1)}, 0
    file.write(f'{{"info": {json.dumps(INFO)}, "licenses": [],\n"categories": {json.dumps(categories(names))},\n')
    file.write('"images": [')
    with TemporaryFile("w+", encoding="utf-8") as waiting:
        for image, item in enumerate(items(), start=1):
            file.write(_row(_image(image, item), image == 1))
            for row in range(len(item.objects)):
                id_ += 1
                found = annotation(item.objects, row, numbers, names.keypoints, encode)
                waiting.write(_row({"id": id_, "image_id": image, **found}, id_ == 1))
        file.write('\n],\n"annotations": [')
        waiting.seek(0)
        shutil.copyfileobj(waiting, file)
    file.write("\n]}\n")


def _row(row: Mapping[str, Any], is_first: bool) -> str:
    return ("\n" if is_first else ",\n") + json.dumps(row, separators=(",", ":"))


def categories(names: Names) -> list[dict[str, Any]]:
    """The categories, numbered from 1; points belong to each of them, since a labeling config says no more."""
    points = {"keypoints": list(names.keypoints), "skeleton": []} if names.keypoints else {}
    return [{"id": n, "name": name, "supercategory": "", **points} for n, name in enumerate(names.labels, start=1)]


def _image(id_: int, item: Item) -> dict[str, Any]:
    classes = [{"name": str(c.label[0]), "score": float(c.score[0]), **_provenance(c, 0)} for c in item.classes]
    return {
        "id": id_, "file_name": item.path.removeprefix("images/"), "width": item.width, "height": item.height,
        "group": item.group, "frame": item.number, "name": item.name,
        **({"classes": classes} if classes else {}), **({"about": item.about} if item.about else {}),
    }  # fmt: skip


def annotation(
    objects: Instances, row: int, numbers: Mapping[str, int], points: Sequence[str], encode: Encode
) -> dict[str, Any]:
    """One object as COCO has it, without its ids."""
    x0, y0, x1, y1 = objects.xyxy[row].tolist()
    mask, track = objects.mask[row], int(objects.track[row])
    has_mask = bool(mask.any())
    placed = _points(objects, row, points)
    return {
        "category_id": numbers[str(objects.label[row])],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": int(mask.sum()) if has_mask else (x1 - x0) * (y1 - y0),
        "iscrowd": 0,
        "segmentation": encode(mask) if has_mask else [],
        **({"keypoints": placed, "num_keypoints": sum(v > 0 for v in placed[2::3])} if points else {}),
        **({"keypoint_scores": _point_scores(objects, row, points)} if points else {}),
        "score": float(objects.score[row]),
        **_provenance(objects, row),
        **({"track_id": track} if track != NO_TRACK else {}),
        **({"attributes": dict(objects.attributes[row])} if objects.attributes[row] else {}),
    }


def _points(objects: Instances, row: int, names: Sequence[str]) -> list[float]:
    """x, y and visibility of each point in turn; zeros where it is not placed."""
    there = {name: at for at, name in enumerate(objects.keypoint_names)}
    found: list[float] = []
    for name in names:
        at = there.get(name)
        visible = ABSENT if at is None else int(objects.visibility[row, at])
        found += [0, 0, 0] if at is None or visible == ABSENT else [*objects.keypoints[row, at].tolist(), visible]
    return found


def _point_scores(objects: Instances, row: int, names: Sequence[str]) -> list[float]:
    scores = dict(zip(objects.keypoint_names, objects.keypoint_score[row].tolist(), strict=True))
    return [scores.get(name, 0.0) for name in names]


def _provenance(objects: Instances, row: int) -> dict[str, str]:
    version = str(objects.version[row])
    return {"origin": str(objects.origin[row]), **({"version": version} if version else {})}


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a COCO file, or of all those in a folder that we wrote; pictures lie in `images`, else beside it."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise DataSetError(f"{path} holds no .json. Expected a COCO file, or a folder with one.")
    for file in files:
        yield from _read_file(file, images or _pictures_beside(file))


def _pictures_beside(file: Path) -> Path:
    return folder if (folder := file.parent / "images").is_dir() else file.parent


def _read_file(path: Path, images: Path) -> Iterator[Item]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        named = {row["id"]: str(row["name"]) for row in document["categories"]}
        points = tuple(dict.fromkeys(str(p) for row in document["categories"] for p in row.get("keypoints", ())))
        names_of = {row["id"]: [str(p) for p in row.get("keypoints", ())] for row in document["categories"]}
        rows = defaultdict[Any, list[Mapping[str, Any]]](list)
        for row in document["annotations"]:
            rows[row["image_id"]].append(row)
        for number, image in enumerate(document["images"]):
            mine, size = rows[image["id"]], (int(image["height"]), int(image["width"]))
            yield _item(image, number, _objects(mine, size, named, names_of, points), images, path)
    except (OSError, KeyError, TypeError, ValueError, IndexError) as error:
        raise DataSetError(
            f"{path} cannot be read ({type(error).__name__}: {error}). Expected COCO's images, annotations, categories."
        ) from error


def _item(image: Mapping[str, Any], number: int, objects: Instances, images: Path, file: Path) -> Item:
    width, height, name = int(image["width"]), int(image["height"]), str(image["file_name"])
    classes = image.get("classes", ())
    frame = (0.0, 0.0, float(width), float(height))
    of_frame = Instances(
        [frame] * len(classes), [c["name"] for c in classes], [c["score"] for c in classes],
        origin=[c.get("origin", DRAWN) for c in classes], version=[c.get("version", "") for c in classes],
    )  # fmt: skip
    picture = images / name
    return Item(
        group=str(image.get("group", "")), name=str(image.get("name", flat_name(name))), width=width, height=height,
        objects=objects, classes=of_frame, number=int(image.get("frame", number)),
        split=file.stem if file.stem in ("train", "val") else "",
        picture=FilePicture(picture, picture.suffix) if picture.is_file() else None,
        path=name, about=dict(image.get("about", {})),
    )  # fmt: skip


def _objects(
    rows: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    named: Mapping[Any, str],
    names_of: Mapping[Any, Sequence[str]],
    points: Sequence[str],
) -> Instances:
    n, k = len(rows), len(points)
    masked = [bool(row.get("segmentation")) for row in rows]
    masks = np.zeros((n, *size) if any(masked) else (n, 0, 0), np.bool_)
    xy, seen, sure = np.full((n, k, 2), np.nan), np.zeros((n, k), np.uint8), np.zeros((n, k))
    boxes = np.zeros((n, 4))
    for i, row in enumerate(rows):
        x, y, w, h = map(float, row["bbox"])
        boxes[i] = x, y, x + w, y + h
        if masked[i]:
            masks[i] = from_coco(row["segmentation"], *size)
        triples = np.asarray(row.get("keypoints", ()), np.float64).reshape(-1, 3)
        scores = row.get("keypoint_scores") or [1.0] * len(triples)
        for name, (px, py, visible), score in zip(names_of[row["category_id"]], triples.tolist(), scores, strict=False):
            if visible != ABSENT:
                at = points.index(name)
                xy[i, at], seen[i, at], sure[i, at] = (px, py), int(visible), score
    return Instances(
        boxes, [named[row["category_id"]] for row in rows], [float(row.get("score", 1)) for row in rows], masks, xy,
        sure, seen, points,
        [int(row.get("track_id", NO_TRACK)) for row in rows], [row.get("origin", DRAWN) for row in rows],
        [row.get("version", "") for row in rows], [row.get("attributes", {}) for row in rows],
    )  # fmt: skip


COCO = Format("coco", "COCO: boxes, masks as run lengths, points, tracks", flat_pictures, _write(run_lengths), read)
COCO_POLYGONS = Format("coco-polygons", "the same with masks as polygons", flat_pictures, _write(polygons), read)
